"""Identifiers: UUIDv7 (RFC 9562), whose first 48 bits are the time of making in milliseconds.

The 12 bits after the version ("rand_a") hold the part of the millisecond (RFC 9562, 6.2, method 3), so that
what a machine makes one after the other also sorts so. Ids of accounts have there the ledger partition that
holds them. Ids of imported transfers are UUIDv8, derived from what was imported, so that a log that is
replayed after a break names every row as before.
"""

import hashlib
import os
import re
import secrets
import time
from struct import Struct
from uuid import UUID

MAX_PARTITION = 0xFFF

TIMED_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

is_timed = re.compile(TIMED_PATTERN).fullmatch
"""Matches a UUIDv7 in its canonical form, which alone tells a time."""

_VARIANT = 0b10 << 62
_RANDOM_BITS = (1 << 62) - 1

_words = Struct("512Q")
_random: list[int] = []
"""Numbers of 64 bits from the system's generator, each used once."""
# Otherwise two processes would go on with the same ones.
os.register_at_fork(after_in_child=_random.clear)


def new_id(*, now_ms: int | None = None) -> str:
    """A fresh UUIDv7 as text; `now_ms` is Unix time in milliseconds, the present by default."""
    if now_ms is not None:
        return _uuid7(now_ms, secrets.randbits(12))
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    return _uuid7(milliseconds, (rest << 12) // 1_000_000)


def first_id(milliseconds: int) -> str:
    """The least UUIDv7 of those made from this Unix time on; of 1970 for earlier times."""
    text = f"{max(0, milliseconds):012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"


def new_account_id(partition: int, *, now_ms: int | None = None) -> str:
    """A fresh UUIDv7 that tells its partition (0 to 4095)."""
    if not 0 <= partition <= MAX_PARTITION:
        raise ValueError(f"partition must be from 0 to {MAX_PARTITION}, not {partition}")
    return _uuid7(time.time_ns() // 1_000_000 if now_ms is None else now_ms, partition)


def derived_id(*parts: str) -> str:
    """A UUIDv8 that depends on `parts` alone: the same parts, the same id.

    `parts` are joined unambiguously (each with its length) and hashed with SHA-256.
    """
    return _derived(8, None, *parts)


def derived_account_id(partition: int, *parts: str) -> str:
    """As `derived_id`, with the partition where `new_account_id` puts it."""
    return _derived(8, partition, *parts)


def partition_of(account_id: str) -> int:
    """The partition that an account's id tells."""
    return (UUID(account_id).int >> 64) & 0xFFF


def is_uuid7(text: str) -> bool:
    """Whether `text` is a UUIDv7 in its canonical form (lower case, with hyphens)."""
    return _version(text) == 7


def is_derived(text: str) -> bool:
    """Whether `text` is a UUIDv8 in its canonical form."""
    return _version(text) == 8


def is_id(text: str) -> bool:
    """Whether `text` is a UUIDv7 or a derived id in its canonical form."""
    return _version(text) in (7, 8)


def made_at_ms(uuid7: str) -> int:
    """The Unix time in milliseconds at which a UUIDv7 says that it was made."""
    return UUID(uuid7).int >> 80


def _uuid7(milliseconds: int, rand_a: int) -> str:
    if not 0 <= milliseconds < 1 << 48:
        raise ValueError(f"the time must be from 0 to 2**48 - 1 milliseconds, not {milliseconds}")
    low = _VARIANT | (_next_random() & _RANDOM_BITS)
    text = f"{(milliseconds << 80) | (7 << 76) | (rand_a << 64) | low:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _next_random() -> int:
    """The system is asked for many at once: asking takes longer than all else that an id takes."""
    try:
        return _random.pop()
    except IndexError:
        fresh: list[int] = list(_words.unpack(os.urandom(_words.size)))
        mine = fresh.pop()
        _random.extend(fresh)
        return mine


def _derived(version: int, rand_a: int | None, *parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    number = int.from_bytes(digest.digest()[:16], "big")
    middle = (number >> 64) & 0xFFF if rand_a is None else rand_a
    high = (number >> 80) << 80
    low = _VARIANT | (number & ((1 << 62) - 1))
    return str(UUID(int=high | (version << 76) | (middle << 64) | low))


def _version(text: str) -> int | None:
    try:
        parsed = UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None
    return parsed.version if str(parsed) == text else None
