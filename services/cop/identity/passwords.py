"""Passwords: argon2id with the library's defaults (RFC 9106, low memory), off the event loop."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from shared.blocking import run_blocking

_hasher = PasswordHasher()

# Checked when an address is unknown, so that the answer takes as long as for a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$FWSE0ZlVoYfQbBWrP6UyRYFJrU7G2XtV9lpDvZlRL0k"


def hash_password(password: str) -> str:
    """The encoded argon2id hash to store."""
    hashed: str = run_blocking(_hasher.hash, password)
    return hashed


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one that was stored; takes as long where nothing was."""
    answer: bool = run_blocking(_verify, stored or _NOBODY, password)
    return answer and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
