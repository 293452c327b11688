"""Days in UTC, found by walking day by day."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

ONE_DAY = timedelta(days=1)
HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US
NEVER = date.max


def day_of(us: int) -> date:
    """The day in which a moment (Unix microseconds) lies."""
    return datetime.fromtimestamp(us / 1_000_000, UTC).date()


def same_lot(one: date, other: date, lot: str) -> bool:
    """Whether two days lie in the same day, week or month."""
    if lot == "week":
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    if lot == "month":
        return (one.year, one.month) == (other.year, other.month)
    return one == other


def first_of_lot(day: date, lot: str) -> date:
    while same_lot(day - ONE_DAY, day, lot):
        day -= ONE_DAY
    return day


def last_of_lot(day: date, lot: str) -> date:
    while same_lot(day + ONE_DAY, day, lot):
        day += ONE_DAY
    return day


def due_at(first_at: int, every: str, n: int) -> int:
    """When the n-th payment of a schedule is due (Unix microseconds)."""
    if every in ("once", "day", "week"):
        return first_at + n * {"once": 0, "day": 1, "week": 7}[every] * DAY_US
    first = day_of(first_at)
    year, month = first.year, first.month
    for _ in range(n):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    there = date(year, month, min(first.day, monthrange(year, month)[1]))
    return first_at + (there - first).days * DAY_US
