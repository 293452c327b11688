"""Time on the wire: RFC 3339 in UTC with microseconds, and integers of microseconds inside."""

import re
import time
from datetime import UTC, datetime, timedelta

MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = "1970-01-01T00:00:00.000000Z"
LAST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
"""The last microsecond that `to_text` can write."""

# Linux stops its monotonic clock while the machine sleeps; where there is no other, it goes on.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:[0-5]\d)", re.ASCII)
"""Python's own reader takes all of ISO 8601: weeks, days without hyphens, offsets with seconds."""


def now_us() -> int:
    """The present as Unix time in microseconds."""
    return time.time_ns() // 1000


def elapsed() -> float:
    """Seconds since some moment, by a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(_ELAPSED)


def to_text(us: int) -> str:
    """Unix time in microseconds as "2026-11-23T10:00:00.000000Z"."""
    # Ten times as fast as strftime, and every transfer's view has two of them.
    return (EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds")[:-6] + "Z"


def from_text(text: str) -> int:
    """An RFC 3339 time, with any offset, as Unix time in microseconds; what is finer is cut off.

    Raises ValueError where the text is no such time, has no offset, or lies before 1970 or after 9999.
    """
    if not _RFC_3339.fullmatch(text):
        raise ValueError("a time is written as 2026-11-23T10:00:00Z, with its offset, such as Z for UTC")
    moment = datetime.fromisoformat(text)
    us = (moment - EPOCH) // timedelta(microseconds=1)
    if not 0 <= us <= LAST_US:
        raise ValueError("a time must lie from 1970 to 9999")
    return us


def deadline(seconds: float) -> int:
    """The absolute time `seconds` from now, in microseconds."""
    return now_us() + int(seconds * MICROSECONDS)
