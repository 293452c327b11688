"""The rules of identity: sessions, passwords, attempts, and who may register whom."""

import hashlib
import secrets
from collections.abc import Iterable

from shared.auth.principal import ADMINISTRATOR, MEMBER, REGISTRAR, Principal
from shared.contracts.clock import MICROSECONDS

SESSION_LIFETIME_US = 14 * 24 * 3600 * MICROSECONDS
FREE_ATTEMPTS = 5
"""How many wrong passwords in a row an e-mail address has before waiting begins."""
LONGEST_WAIT_SECONDS = 900
SESSION_BYTES = 32


def normal_email(email: str) -> str:
    """The form in which e-mail addresses are compared: without surrounding blanks, in lower case."""
    return email.strip().casefold()


def new_session_secret() -> str:
    """A secret that nobody can guess; only its hash is stored. It never begins with a hyphen, which commands
    would take for an option.
    """
    return secrets.token_hex(SESSION_BYTES)


def secret_hash(secret: str) -> bytes:
    """SHA-256 of a secret that is random enough to need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def wait_seconds(failures: int, last_failed_at: int, now: int) -> int:
    """How long an address must still wait after `failures` wrong passwords in a row: it doubles from 2 s to
    15 min.
    """
    if failures < FREE_ATTEMPTS:
        return 0
    pause = min(2 ** min(failures - FREE_ATTEMPTS + 1, 20), LONGEST_WAIT_SECONDS)
    left = last_failed_at + pause * MICROSECONDS - now
    return max(0, -(-left // MICROSECONDS))


def require_registrar(caller: Principal) -> None:
    """Only administrators, and the operator's tools, register people."""
    caller.require("register people", ADMINISTRATOR, REGISTRAR)


def granted_roles(asked: Iterable[str]) -> list[str]:
    """The roles of a new person: what was asked for, and always member."""
    return sorted({MEMBER, *asked})
