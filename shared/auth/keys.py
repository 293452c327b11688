"""Keys of internal tokens: one private key a process, and the list of issuers that a process trusts.

A private key is a file with the 32 raw bytes in base64 (mode 0600); the trusted issuers are a JSON file
`{"identity": {"key": "<base64>", "roles": ["member", ...]}, ...}`.
"""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.auth.grants import Granter
from shared.auth.principal import (
    ADMINISTRATOR,
    IMPORTER,
    JOURNAL_READER,
    MEMBER,
    OPERATOR,
    REGISTRAR,
    TIMEKEEPER,
)
from shared.auth.tokens import Signer, TrustedIssuer

ISSUERS: Mapping[str, frozenset[str]] = {
    "identity": frozenset({ADMINISTRATOR, OPERATOR, MEMBER}),
    "dashboard": frozenset({JOURNAL_READER}),
    "ledger": frozenset({TIMEKEEPER}),
    "toolbox": frozenset(),
    "tools": frozenset({ADMINISTRATOR, OPERATOR, IMPORTER, JOURNAL_READER, REGISTRAR}),
}
"""Every issuer of internal tokens and the roles that it may give; the toolbox signs grants of downloads
alone.
"""

TRUSTED_FILE = "trusted.json"


def private_key_file(folder: Path, issuer: str) -> Path:
    return folder / f"{issuer}.key"


def ensure_keys(folder: Path) -> None:
    """Make what is missing of the keys of all issuers, and the file of trusted ones, in a folder only we may
    enter.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    trusted = {}
    for issuer, roles in ISSUERS.items():
        path = private_key_file(folder, issuer)
        if not path.exists():
            _write_private(path, base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()))
        public = _read_private(path).public_key().public_bytes_raw()
        trusted[issuer] = {"key": base64.b64encode(public).decode(), "roles": sorted(roles)}
    (folder / TRUSTED_FILE).write_text(json.dumps(trusted, indent=2) + "\n")


def load_signer(path: Path, issuer: str) -> Signer:
    return Signer(issuer, _read_private(path))


def load_granter(path: Path, issuer: str) -> Granter:
    return Granter(issuer, _read_private(path))


def load_trusted(path: Path) -> dict[str, TrustedIssuer]:
    listed = json.loads(path.read_text())
    return {
        issuer: TrustedIssuer(
            Ed25519PublicKey.from_public_bytes(base64.b64decode(entry["key"])), frozenset(entry["roles"])
        )
        for issuer, entry in listed.items()
    }


def _read_private(path: Path) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes()))


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
