"""What a backup says of itself: how far the ledger had come, and every file with its hash."""

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO

import msgspec

from shared.contracts import clock
from shared.contracts.journal import Position

NAME = "manifest.json"
FORMAT = 1
SQLITE = "sqlite"
POSTGRESQL = "postgresql"
PIECE_BYTES = 1024 * 1024


class Kept(msgspec.Struct, frozen=True):
    """A file of the backup: its size in bytes, its SHA-256 in hexadecimal."""

    size: int
    sha256: str


class Rows(msgspec.Struct, frozen=True):
    """A table as COPY wrote it: its columns with PostgreSQL's types, in order."""

    columns: list[tuple[str, str]]
    file: str


class Contents(msgspec.Struct, frozen=True):
    """A service's database: at which migration, and in which `file` (SQLite), or in which `tables`, in an
    order that breaks no foreign key, with the last value of each sequence (PostgreSQL).
    """

    revision: str | None
    file: str | None = None
    tables: dict[str, Rows] = {}
    sequences: dict[str, int] = {}


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole backup. `partitions` has how far each of the ledger's had come; `lost` the documents' files
    that were not there, or not as they should be, when the backup was made; `files` all files but the
    manifest.
    """

    format: int
    made_at: str
    version: str
    engine: str
    databases: dict[str, Contents]
    partitions: dict[int, Position]
    lost: list[str]
    files: dict[str, Kept]

    @property
    def has_keys(self) -> bool:
        return any(name.startswith("keys/") for name in self.files)


def describe(
    folder: Path,
    engine: str,
    databases: Mapping[str, Contents],
    partitions: Mapping[int, Position],
    lost: Iterable[str],
) -> Manifest:
    """The manifest of what lies in a folder, each file hashed."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return Manifest(
        format=FORMAT,
        made_at=clock.to_text(clock.now_us()),
        version=version("medtown"),
        engine=engine,
        databases=dict(databases),
        partitions=dict(partitions),
        lost=sorted(lost),
        files={name: _kept(folder / name) for name in names},
    )


def encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(content: bytes) -> Manifest:
    """What `encode` wrote. Raises ValueError on anything else."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"its {NAME} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ValueError(f"its format is {manifest.format}; this version of MedTOWN reads {FORMAT}")
    for name in manifest.files:
        parts = Path(name).parts
        if Path(name).is_absolute() or ".." in parts or str(Path(name)) != name:
            raise ValueError(f"its {NAME} names the file {name!r}")
    return manifest


def fingerprint(manifest: Manifest) -> str:
    """The hash of the manifest, and by it of everything: who keeps it elsewhere can tell a forged backup."""
    return hashlib.sha256(encode(manifest)).hexdigest()


def hashed(file: IO[bytes]) -> Kept:
    """The size and hash of what is left to read of a file."""
    size, digest = 0, hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        size += len(piece)
        digest.update(piece)
    return Kept(size, digest.hexdigest())


def _kept(path: Path) -> Kept:
    with path.open("rb") as file:
        return hashed(file)
