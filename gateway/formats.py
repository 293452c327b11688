"""Money, numbers, dates and times as the reader writes them. Amounts stay integers or exact decimals
throughout.

Digits are ASCII ones in every language, as on tills, coins and bank notes of all the territories; input
takes both.
"""

from datetime import UTC, date, datetime
from decimal import Decimal

from babel import dates, numbers, units

from gateway import i18n
from gateway.i18n import gettext as _
from gateway.i18n import ngettext
from shared.contracts import clock, money

NO_BREAK = "\u00a0"
LEFT_TO_RIGHT, OWN_DIRECTION, END_OF_DIRECTION = "\u2066", "\u2068", "\u2069"
MINUS = "\u2212"


def amount(value: int, minor_units: int) -> str:
    """An amount without its currency: "1,250.50"; time as "1 h 20 min"."""
    sign = MINUS if value < 0 else ""
    if minor_units == 60:
        return sign + _hours(abs(value))
    decimals = money.decimals(minor_units)
    return sign + _decimal(
        Decimal(abs(value)).scaleb(-decimals) if decimals else Decimal(abs(value)), decimals
    )


def cash(value: int, currency: str, minor_units: int) -> str:
    """Money: "1,250.50 PUMA"; time says its own unit. Holds together in text that runs from right to left."""
    text = amount(value, minor_units)
    if minor_units == 60:
        return text
    return _together(f"{text}{NO_BREAK}{currency}")


def count(value: int) -> str:
    """A whole number with the reader's grouping."""
    return (MINUS if value < 0 else "") + _decimal(Decimal(abs(value)), 0)


def ratio(value: Decimal, decimals: int) -> str:
    """A number that is no money, with this many decimals."""
    return (MINUS if value < 0 else "") + _decimal(abs(value), decimals)


def share(basis_points: int) -> str:
    """A part of something, of so many hundredths of a per cent: "5%", "2.5%"."""
    pattern = str(i18n.locale().percent_formats[None].pattern).replace("0", "0.##")
    part = Decimal(basis_points).scaleb(-4)
    return numbers.format_percent(part, pattern, locale=i18n.locale(), numbering_system="latn")


def isolated(text: str) -> str:
    """Words that somebody else wrote, which keep their own direction inside a sentence."""
    if text.isascii() and i18n.direction() == "ltr":
        return text
    return f"{OWN_DIRECTION}{text}{END_OF_DIRECTION}"


def file_size(size: int) -> str:
    """How large a file is, of so many bytes: "12 kB", "1.2 MB"."""
    unit, factor = ("megabyte", 1_000_000) if size >= 1_000_000 else ("kilobyte", 1_000)
    value = size // factor if size >= 10 * factor else max(0.1, round(size / factor, 1))
    text = units.format_unit(value, f"digital-{unit}", length="short", locale=i18n.locale())
    return text.replace(" ", NO_BREAK)


def day(value: date | str) -> str:
    """A date: "23 November 2026"."""
    return dates.format_date(_date(value), "long", locale=i18n.locale())


def short_day(value: date | str) -> str:
    """A date in little room: "23 Nov 2026"."""
    return dates.format_skeleton("yMMMd", _date(value), locale=i18n.locale())


def moment(text: str) -> str:
    """A point in time, in UTC: "23 Nov 2026, 10:00:05 UTC"."""
    when = _moment(text)
    return _("%(day)s, %(time)s") % {"day": short_day(when.date()), "time": _utc(f"{when:%H:%M:%S}")}


def time_of_day(text: str) -> str:
    """The time of day of a point in time, in UTC: "10:00 UTC"."""
    return _utc(f"{_moment(text):%H:%M}")


def day_of(text: str) -> str:
    """The UTC date of a point in time."""
    return day(_moment(text).date())


def period(start: date | str, kind: str) -> str:
    """The name of a period that begins on this date: "November 2026", "Week of 23 Nov 2026"."""
    first = _date(start)
    if kind == "day":
        return short_day(first)
    if kind == "week":
        return _("Week of %(day)s") % {"day": short_day(first)}
    if kind == "month":
        return dates.format_skeleton("yMMMM", first, locale=i18n.locale())
    if kind == "quarter":
        return dates.format_skeleton("yQQQ", first, locale=i18n.locale())
    if kind == "year":
        return str(first.year)
    return _("Since the beginning")


def short_period(start: date | str, kind: str) -> str:
    """A period's name where there is little room, as on an axis: "Nov 2026", "23 Nov"."""
    first = _date(start)
    if kind in ("day", "week"):
        return dates.format_skeleton("MMMd", first, locale=i18n.locale())
    if kind == "month":
        return dates.format_skeleton("yMMM", first, locale=i18n.locale())
    return period(first, kind)


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(number)s h", "%(number)s h", hours) % {"number": count(hours)})
    if rest or not hours:
        parts.append(ngettext("%(number)s min", "%(number)s min", rest) % {"number": count(rest)})
    return " ".join(parts).replace(" ", NO_BREAK)


def _decimal(value: Decimal, decimals: int) -> str:
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return numbers.format_decimal(value, pattern, locale=i18n.locale(), numbering_system="latn")


def _utc(time: str) -> str:
    return _together(f"{time}{NO_BREAK}UTC")


def _together(text: str) -> str:
    """A text of Latin letters and digits that holds together where the language runs from right to left."""
    return f"{LEFT_TO_RIGHT}{text}{END_OF_DIRECTION}" if i18n.direction() == "rtl" else text


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(clock.from_text(text) // clock.MICROSECONDS, UTC)
