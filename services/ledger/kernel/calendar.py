"""Days, lots and dates that come again, in UTC. A day is a text like 2026-11-23, which sorts as time does."""

from calendar import monthrange
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import lru_cache

from shared.contracts import clock

DAY_US = 24 * 3600 * clock.MICROSECONDS
LAST_DAY = "9999-12-31"
_DAYS = {"once": 0, "day": 1, "week": 7}


@lru_cache(maxsize=64)
def _day_of(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def day_of(us: int) -> str:
    """The day in which a moment (Unix microseconds) lies."""
    return _day_of(us // DAY_US)


def first_of_lot(day: str, lot: str) -> str:
    """The first day of the day, the week (from Monday) or the month that a day lies in."""
    if lot == "day":
        return day
    moment = date.fromisoformat(day)
    if lot == "month":
        return moment.replace(day=1).isoformat()
    return (moment - timedelta(days=moment.weekday())).isoformat()


def last_of_lot(day: str, lot: str) -> str:
    """The last day of the day, the week (to Sunday) or the month that a day lies in."""
    if lot == "day":
        return day
    moment = date.fromisoformat(day)
    if lot == "month":
        return moment.replace(day=monthrange(moment.year, moment.month)[1]).isoformat()
    return plus_days(day, 6 - moment.weekday())


def plus_days(day: str, days: int) -> str:
    """The day so many days later, at most the last one of the calendar."""
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
    except OverflowError:
        return LAST_DAY


def days_between(first: str, second: str) -> int:
    """How many days after `first` `second` is."""
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def is_day(text: str) -> bool:
    """Whether the text names a day of the calendar."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def occurrence(first_at: int, every: str, n: int) -> int:
    """The moment `n` times `every` ("once", "day", "week", "month") after `first_at`, in Unix microseconds.

    A month that lacks the day has it on its last day. Raises OverflowError beyond the calendar.
    """
    moment = _months_later(first_at, n) if every == "month" else first_at + n * _DAYS[every] * DAY_US
    if moment > clock.LAST_US:
        raise OverflowError("beyond the calendar")
    return moment


def _months_later(us: int, months: int) -> int:
    if us > clock.LAST_US:
        return us
    seconds, rest = divmod(us, clock.MICROSECONDS)
    first = datetime.fromtimestamp(seconds, UTC)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    if year > MAXYEAR:
        raise OverflowError("beyond the calendar")
    day = min(first.day, monthrange(year, month + 1)[1])
    moment = first.replace(year=year, month=month + 1, day=day)
    return int(moment.timestamp()) * clock.MICROSECONDS + rest
