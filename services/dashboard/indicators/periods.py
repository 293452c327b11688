"""Periods: days, ISO weeks, months, quarters, years and all time, in UTC, as ranges of day numbers."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from services.dashboard.projection.areas import DAY_US
from shared.contracts.dashboard import MAX_PERIODS
from shared.contracts.errors import Fault, Refusal

_EPOCH = date(1970, 1, 1).toordinal()
EARLIEST = date(1970, 1, 1)
LATEST = date(2999, 12, 31)
ALL = "all"


class Period(NamedTuple):
    """Days from `first` up to, not including, `past`."""

    first: int
    past: int

    @property
    def start_us(self) -> int:
        return self.first * DAY_US

    @property
    def end_us(self) -> int:
        return self.past * DAY_US


def number(day: date) -> int:
    """Days from 1970-01-01."""
    return day.toordinal() - _EPOCH


def day(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(number + _EPOCH)


def today(now_us: int) -> date:
    """The UTC date of a time in Unix microseconds."""
    return datetime.fromtimestamp(now_us // 1_000_000, UTC).date()


def _month(moment: date, months: int) -> tuple[date, date]:
    """The block of so many months that the day lies in; blocks begin with January."""
    first = moment.replace(month=(moment.month - 1) // months * months + 1, day=1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return first, date(year, month + 1, 1)


def _week(moment: date) -> tuple[date, date]:
    first = moment - timedelta(days=moment.weekday())
    return first, first + timedelta(days=7)


_BOUNDS: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "day": lambda moment: (moment, moment + timedelta(days=1)),
    "week": _week,
    "month": lambda moment: _month(moment, 1),
    "quarter": lambda moment: _month(moment, 3),
    "year": lambda moment: _month(moment, 12),
}


def bounds_of(kind: str, moment: date) -> tuple[date, date]:
    """The period of a kind that a day lies in, as [first day, day after the last); not of "all"."""
    return _BOUNDS[kind](moment)


def before(kind: str, period: Period) -> Period | None:
    """The period of the same kind just before; None for "all"."""
    if kind == ALL or period.first <= number(EARLIEST):
        return None
    first, past = _BOUNDS[kind](day(period.first) - timedelta(days=1))
    return Period(number(first), number(past))


def closed(kind: str, since: date, now_us: int) -> list[Period]:
    """All periods of a kind that have closed, from the one in which `since` lies.

    Of "all", which never closes, the part up to the end of the last closed month.
    """
    present = today(now_us)
    if kind == ALL:
        month = number(present.replace(day=1))
        return [Period(number(since), month)] if number(since) < month else []
    found: list[Period] = []
    first, past = _BOUNDS[kind](since)
    while past <= present:
        found.append(Period(number(first), number(past)))
        first, past = _BOUNDS[kind](past)
    return found


def choose(kind: str, since: date, now_us: int, start: date | None, end: date | None) -> list[Period]:
    """The periods of a kind that touch the days from `start` up to, not including, `end`.

    Without them: from `since`, when anything was first known, to the period that runs now, but at most the
    last `MAX_PERIODS`. "all" is one period, from `since` to today, whatever is asked for. Raises Refusal
    `invalid-request`.
    """
    present = today(now_us)
    tomorrow = present + timedelta(days=1)
    if kind == ALL:
        return [Period(number(min(since, present)), number(tomorrow))]
    _check(start, end)
    bounds = _BOUNDS[kind]
    past = tomorrow if end is None else end
    first = min(since, past - timedelta(days=1)) if start is None else start
    if first >= past:
        raise Refusal("invalid-request", (Fault("/from", "after-end", "a day before the end"),))
    periods: list[Period] = []
    if start is None:
        return _last(bounds, first, past)
    while first < past:
        if len(periods) == MAX_PERIODS:
            raise Refusal("invalid-request", (Fault("/from", "too-many", f"at most {MAX_PERIODS} periods"),))
        begin, first = bounds(first)
        periods.append(Period(number(begin), number(first)))
    return periods


def _last(bounds: Callable[[date], tuple[date, date]], first: date, past: date) -> list[Period]:
    """The periods that touch [first, past), counted back from the end as far as one answer goes."""
    periods: list[Period] = []
    while past > first and len(periods) < MAX_PERIODS:
        past, after = bounds(past - timedelta(days=1))
        periods.append(Period(number(past), number(after)))
    return periods[::-1]


def _check(start: date | None, end: date | None) -> None:
    for name, given in (("from", start), ("to", end)):
        if given is not None and not EARLIEST <= given <= LATEST:
            raise Refusal("invalid-request", (Fault(f"/{name}", "out-of-range", f"{EARLIEST} to {LATEST}"),))
