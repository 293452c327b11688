"""Grants of a download: a minute's permission to fetch one file, signed by the service that owns it.

Whoever has the grant may fetch the file, and nothing else: it names the file, and how it is to be handed
over. The gateway checks the signature and asks nobody.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth.tokens import ALGORITHM, TrustedIssuer
from shared.contracts.errors import Refusal

LIFETIME_SECONDS = 60
PURPOSE = "download"
"""The audience of a grant, which no service's is: neither can an internal token pass for a grant, nor the
other way round.
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """`blob` is the file's key in the store, `size` its bytes; `name` and `media_type` are what the reader
    is told of it, `disposition` whether to save it or show it.
    """

    blob: str
    name: str
    media_type: str
    size: int
    disposition: str = "attachment"


class Granter:
    """Signs grants for one issuer."""

    def __init__(self, issuer: str, key: Ed25519PrivateKey) -> None:
        self._issuer = issuer
        self._key = key

    def sign(self, grant: Grant, *, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
        """The grant as text that can stand in an address."""
        claims = {
            "iss": self._issuer,
            "aud": PURPOSE,
            "exp": int(time.time()) + lifetime_seconds,
            "grant": asdict(grant),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)


def read_grant(text: str, issuer: str, trusted: Mapping[str, TrustedIssuer]) -> Grant:
    """What a grant of this issuer allows. Raises Refusal `grant-expired` for one that is over, `not-found`
    for what is none.
    """
    try:
        claims = jwt.decode(
            text,
            trusted[issuer].key,
            algorithms=[ALGORITHM],
            audience=PURPOSE,
            issuer=issuer,
            options={"require": ["iss", "aud", "exp"]},
        )
        return Grant(**claims["grant"])
    except jwt.ExpiredSignatureError as error:
        raise Refusal("grant-expired") from error
    except (jwt.InvalidTokenError, KeyError, TypeError) as error:
        raise Refusal("not-found") from error
