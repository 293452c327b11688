"""Key figures of a currency: asked for together, told with their date and the journal's record they stand
for.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gateway import formats
from gateway.asking import ask_openly
from gateway.i18n import gettext as _
from gateway.i18n import translated
from gateway.pages.common import Currency, Series, in_words, latest
from gateway.wiring import wiring
from shared.contracts import dashboard
from shared.contracts.errors import Refusal
from shared.observability.logs import get_logger

FRESH_SECONDS = 0.5
"""However many look at a currency's figures, the dashboard is asked twice a second at most. With the second
between two looks of a page, and the projection, a payment shows within two seconds.
"""
CARD_SECONDS = 5.0

CARD_CODES = ("supply", "volume", "active_accounts")
KEY_CODES = ("supply", "volume", "transfer_count", "active_accounts", "velocity", "gini_balances")
log = get_logger(__name__)

WHOLE_TIME = frozenset({"volume", "transfer_count"})
"""Figures of a period that are also told for all the time."""


class Stat(NamedTuple):
    label: str
    value: str
    note: str | None


class KeyFigures(NamedTuple):
    """`position` is the journal's position in a form for an address, to see whether anything is new."""

    stats: list[Stat]
    as_of: str | None
    sequence: str
    position: str
    stalled: bool


class Card(NamedTuple):
    """`figures` are missing where the dashboard does not answer: the page stands without them."""

    currency: Currency
    figures: KeyFigures | None


def overview(code: str, codes: Iterable[str], period: str, *, only_now: bool, seconds: float) -> list[Series]:
    """Series of a currency, in the order of `codes`. `only_now`: of the period that runs, and no other."""
    arguments: dict[str, Any] = {"currency": code, "codes": list(codes), "period": period}
    if only_now:
        today = datetime.now(UTC).date()
        arguments |= {"from": today.isoformat(), "to": (today + timedelta(days=1)).isoformat()}

    def ask() -> Any:
        return ask_openly(dashboard.SERVICE, "get_overview", arguments)["data"]

    key = (code, tuple(codes), period, only_now)
    series: list[Series] = wiring().recent.get(key, seconds, ask)
    return series


def key_figures(
    code: str, period: str, codes: Iterable[str] = KEY_CODES, seconds: float = FRESH_SECONDS
) -> KeyFigures:
    """The figures of the period that runs, with those of all the time beside them."""
    now = overview(code, codes, period, only_now=True, seconds=seconds)
    whole = overview(
        code, [each for each in codes if each in WHOLE_TIME], "all", only_now=False, seconds=seconds
    )
    of_all_time = {series["indicator"]["code"]: series for series in whole}
    stats = [_stat(series, of_all_time.get(series["indicator"]["code"]), period) for series in now]
    return KeyFigures(
        stats=stats,
        as_of=now[0]["as_of"] and formats.moment(now[0]["as_of"]),
        sequence=formats.count(now[0]["position"]["sequence"]),
        position=_position(now[0]),
        stalled=any(series["stalled"] for series in now),
    )


def position_of(code: str) -> str:
    """The journal's position that a currency's figures stand for, asked for by the cheapest of them."""
    [series] = overview(code, ("transfer_count",), "day", only_now=True, seconds=FRESH_SECONDS)
    return _position(series)


def card_of(currency: Currency) -> Callable[[], Card]:
    """A question for a currency's few figures on the home page."""

    def ask() -> Card:
        try:
            return Card(currency, key_figures(currency["code"], "month", CARD_CODES, CARD_SECONDS))
        except Refusal as refusal:
            log.warning("figures_missing", currency=currency["code"], slug=refusal.slug)
            return Card(currency, None)

    return ask


def with_most_life(currencies: Iterable[Currency]) -> list[Currency]:
    """Currencies in the order in which they are shown: real ones before simulated ones, older ones first."""
    return sorted(currencies, key=lambda currency: (currency["simulated"], currency["created_at"]))


def period_names() -> Mapping[str, str]:
    """The periods that a page can show, by name."""
    return {
        "day": _("Days"),
        "week": _("Weeks"),
        "month": _("Months"),
        "quarter": _("Quarters"),
        "year": _("Years"),
    }


def _position(series: Series) -> str:
    position = series["position"]
    return f"{position['timeline']}:{position['sequence']}"


def _stat(series: Series, whole: Series | None, period: str) -> Stat:
    value = latest(series)
    code = series["indicator"]["code"]
    name = translated(series["indicator"]["name"])
    text = in_words(series, value["value"] if value else None)
    if whole is not None and (total := latest(whole)) is not None:
        note = _("Since the beginning: %(total)s") % {"total": in_words(whole, total["value"])}
        return Stat(_in_period(name, period), text, note)
    if value is not None and value["value"] is None and value["reason"]:
        return Stat(_in_period(name, period), text, translated(value["reason"]))
    return Stat(name if code in ("supply", "gini_balances") else _in_period(name, period), text, None)


def _in_period(name: str, period: str) -> str:
    sentence = {
        "day": _("%(figure)s, today"),
        "week": _("%(figure)s, this week"),
        "month": _("%(figure)s, this month"),
        "quarter": _("%(figure)s, this quarter"),
        "year": _("%(figure)s, this year"),
        "all": _("%(figure)s, since the beginning"),
    }[period]
    return sentence % {"figure": name}
