"""The calendar of a town in southern Spain: hours, week, month, season, summer time."""

import math
from calendar import FRIDAY, SATURDAY, SUNDAY, monthrange
from datetime import date, timedelta

SECOND = 1_000_000
HOUR = 3600 * SECOND

# Monday to Sunday; Saturday is market day, on Sunday hardly anything is open.
WEEKDAY = (0.85, 0.90, 0.95, 1.00, 1.25, 1.70, 0.25)
# January to December: people leave in August, spend before Christmas.
SEASON = (1.00, 0.95, 1.00, 1.00, 1.05, 1.00, 0.90, 0.70, 1.05, 1.00, 1.05, 1.25)
# When newcomers join: the school year starts in September, offices rest in August.
GROWTH = (1.2, 1.0, 1.1, 0.9, 1.0, 0.9, 0.5, 0.25, 1.6, 1.3, 1.1, 0.7)
# (month, day); the movable ones are left out.
HOLIDAYS = frozenset(
    {(1, 1), (1, 6), (2, 28), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)}
)

QUANTILES = 512
# (centre, deviation, weight) of the peaks, in local hours, and the opening hours they are cut to.
TWO_PEAKS = (((11.8, 1.3, 0.55), (18.8, 1.1, 0.45)), (9.0, 21.5))
MARKET = (((11.6, 1.2, 0.85), (18.5, 1.2, 0.15)), (8.5, 21.5))
MORNING = (((11.3, 1.1, 1.0),), (8.5, 15.0))
OFFICE = (((10.5, 1.2, 1.0),), (8.5, 14.5))

Peaks = tuple[tuple[tuple[float, float, float], ...], tuple[float, float]]


def closed(day: date) -> bool:
    """Whether offices, suppliers and most shops are shut."""
    return day.weekday() == SUNDAY or (day.month, day.day) in HOLIDAYS


def working(day: date) -> bool:
    """Whether it is Monday to Friday and no holiday."""
    return day.weekday() < SATURDAY and not closed(day)


def spending(day: date) -> float:
    """How much people shop on a day, 1 being an average one: week, season, and less as the month wears on."""
    of_week = WEEKDAY[SUNDAY] if closed(day) else WEEKDAY[day.weekday()]
    of_month = 0.62 + 0.95 * math.exp(-(day.day - 1) / 9)
    return of_week * of_month * SEASON[day.month - 1]


def working_day_of_month(day: date) -> int:
    """1 for the first working day of the month and so on; 0 when `day` is none."""
    if not working(day):
        return 0
    return sum(working(day.replace(day=number)) for number in range(1, day.day + 1))


def month_payday(day: date) -> bool:
    """Whether wages of the month are paid: on its last working day."""
    last = monthrange(day.year, day.month)[1]
    return working(day) and not any(working(day.replace(day=later)) for later in range(day.day + 1, last + 1))


def week_payday(day: date) -> bool:
    """Whether wages of the week are paid."""
    return day.weekday() == FRIDAY


def utc_offset(day: date) -> int:
    """Microseconds that Spain is ahead of UTC in the daytime of `day`, by the European Union's rule.

    Worked out here rather than taken from a time zone database, which may be missing or newer on another
    machine: the same scenario must give the same rows everywhere. Nobody pays at night.
    """
    summer = _last_sunday(day.year, 3) <= day < _last_sunday(day.year, 10)
    return (2 if summer else 1) * HOUR


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, monthrange(year, month)[1])
    return last - timedelta(days=(last.weekday() - SUNDAY) % 7)


def hours(peaks: Peaks) -> list[int]:
    """Quantiles of the time of day, local, in microseconds: an even pick of a slot is a pick by the peaks."""
    bells, (opens, closes) = peaks
    steps = 2000
    times = [opens + (closes - opens) * (step + 0.5) / steps for step in range(steps)]
    weights = [sum(w / s * math.exp(-(((t - c) / s) ** 2) / 2) for c, s, w in bells) for t in times]
    whole, running = sum(weights), 0.0
    slots: list[int] = []
    for time, weight in zip(times, weights, strict=True):
        running += weight
        while len(slots) < QUANTILES and running / whole >= (len(slots) + 0.5) / QUANTILES:
            slots.append(int(time * HOUR))
    return slots


SHOPPING_HOURS = hours(TWO_PEAKS)
MARKET_HOURS = hours(MARKET)
SUNDAY_HOURS = hours(MORNING)
OFFICE_HOURS = hours(OFFICE)


def shopping_hours(day: date) -> list[int]:
    """The table of `hours` that holds for shopping on a day."""
    if closed(day):
        return SUNDAY_HOURS
    return MARKET_HOURS if day.weekday() == SATURDAY else SHOPPING_HOURS
