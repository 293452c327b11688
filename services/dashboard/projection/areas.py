"""Balances over time, exactly: the area under a balance in minor units times microseconds, in two 64-bit
columns.

An area outgrows 64 bits in ordinary use: a million units of 100 minor ones do within two days. It is
therefore kept as `high * 2**40 + low`. Both parts add up by themselves, without carrying; low takes eight
million additions before it outgrows its column.
"""

from collections.abc import Iterable

MICROSECONDS = 1_000_000
DAY_US = 86_400 * MICROSECONDS
_SPLIT_BITS = 40
_LOW = (1 << _SPLIT_BITS) - 1


def split(area: int) -> tuple[int, int]:
    """An area as (high, low)."""
    return area >> _SPLIT_BITS, area & _LOW


def join(high: int, low: int) -> int:
    """What `split` took apart, or a sum of such pairs."""
    return (high << _SPLIT_BITS) + low


def day_of(us: int) -> int:
    """The day of a time in Unix microseconds."""
    return us // DAY_US


def until_day_end(us: int) -> int:
    """Microseconds from a time to the end of its day."""
    return DAY_US - us % DAY_US


def positive_changes(balance: int, entries: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """How the positive part of a balance moves: by day, [its change, the area of that change until the day's
    end].

    `balance` is what was there before the first entry; entries are (microseconds, amount), in the order of
    time.
    """
    days: dict[int, list[int]] = {}
    for at, amount in entries:
        before = balance
        balance += amount
        step = max(balance, 0) - max(before, 0)
        if step:
            day = days.setdefault(day_of(at), [0, 0])
            day[0] += step
            day[1] += step * until_day_end(at)
    return days
