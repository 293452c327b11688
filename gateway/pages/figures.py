"""Key figures of a currency: asked for together, told with their date and the journal's record they stand
for.

Whoever runs the currencies, and everybody in a simulated one, sees the period that runs; the public sees the
last one that has closed.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gateway import formats
from gateway.asking import ask, ask_openly, maybe_signed_in
from gateway.i18n import gettext as _
from gateway.i18n import translated
from gateway.pages.common import UNDEFINED, Currency, Series, in_words, latest
from gateway.wiring import wiring
from shared.auth.principal import ADMINISTRATOR, OPERATOR
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

CIRCULATION_CODES = (
    "holding_period",
    "transfer_velocity",
    "effective_balance",
    "retention",
    "user_retention",
    "edge_reciprocity",
    "weighted_reciprocity",
    "density",
    "strongly_connected_share",
    "counterparty_diversity",
    "spending_hhi",
)
"""Figures that are told of the last period that has closed; by day there are none, so of the last week."""
CIRCULATION_SECONDS = 30.0
DAYS_BACK = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366, "all": 0}
"""So many days before today, the period before the one that runs had begun or not yet ended."""
WHOLE_TIME = frozenset({"volume", "transfer_count"})
"""Figures of a period that are also told for all the time."""


class Stat(NamedTuple):
    label: str
    value: str
    note: str | None


class Circulation(NamedTuple):
    """How units pass from hand to hand: figures, each with what it means and its address as CSV."""

    stats: list[Stat]
    meanings: list[tuple[str, str, str]]


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


def overview(
    code: str, codes: Iterable[str], period: str, *, days_back: int | None, seconds: float
) -> list[Series]:
    """Series of a currency, in the order of `codes`. `days_back`: from the period of that day before today to
    the one that runs; None: of all periods.
    """
    arguments: dict[str, Any] = {"currency": code, "codes": list(codes), "period": period}
    live = _sees_live()
    if days_back is not None:
        today = datetime.now(UTC).date()
        first, past = today - timedelta(days=days_back), today + timedelta(days=1)
        arguments |= {"from": first.isoformat(), "to": past.isoformat()}

    def answered() -> Any:
        if live:
            return ask(dashboard.SERVICE, "get_overview", **arguments)["data"]
        return ask_openly(dashboard.SERVICE, "get_overview", arguments)["data"]

    key = (code, tuple(codes), period, days_back, live)
    series: list[Series] = wiring().recent.get(key, seconds, answered)
    return series


def _sees_live() -> bool:
    """Whether the dashboard tells whoever asks more than the public; all who see more see the same."""
    person = maybe_signed_in()
    return person is not None and person.has(OPERATOR, ADMINISTRATOR)


def key_figures(
    currency: Currency, period: str, codes: Iterable[str] = KEY_CODES, seconds: float = FRESH_SECONDS
) -> KeyFigures:
    """The figures of the period that runs, for the public of the last that has closed, with those of all the
    time beside them.
    """
    code, public = currency["code"], not (currency["simulated"] or _sees_live())
    now = overview(code, codes, period, days_back=DAYS_BACK[period] if public else 0, seconds=seconds)
    whole = overview(
        code, [each for each in codes if each in WHOLE_TIME], "all", days_back=None, seconds=seconds
    )
    of_all_time = {series["indicator"]["code"]: series for series in whole}
    stats = [_stat(series, of_all_time.get(series["indicator"]["code"]), period, public) for series in now]
    return KeyFigures(
        stats=stats,
        as_of=now[0]["as_of"] and formats.moment(now[0]["as_of"]),
        sequence=formats.count(now[0]["position"]["sequence"]),
        position=_position(now[0]),
        stalled=any(series["stalled"] for series in now),
    )


def position_of(code: str) -> str:
    """The journal's position that a currency's figures stand for, asked for by the cheapest of them."""
    [series] = overview(code, ("transfer_count",), "day", days_back=0, seconds=FRESH_SECONDS)
    return _position(series)


def circulation(code: str, period: str) -> Circulation:
    """How units pass from hand to hand, in the last period that has closed."""
    kind = "week" if period == "day" else period
    found = overview(code, CIRCULATION_CODES, kind, days_back=DAYS_BACK[kind], seconds=CIRCULATION_SECONDS)
    stats, meanings = [], []
    for series in found:
        indicator = series["indicator"]
        name = translated(indicator["name"])
        stats.append(_of_closed(name, series, kind))
        address = f"/api/v1/indicators/{indicator['code']}.csv?currency={code}&period={kind}"
        meanings.append((name, translated(indicator["definition"]), address))
    return Circulation(stats, meanings)


def card_of(currency: Currency) -> Callable[[], Card]:
    """A question for a currency's few figures on the home page."""

    def ask() -> Card:
        try:
            return Card(currency, key_figures(currency, "month", CARD_CODES, CARD_SECONDS))
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


def _of_closed(name: str, series: Series, period: str) -> Stat:
    """A figure of the last period that has closed, or why there is none."""
    closed = [value for value in series["values"] if value["closed"]] or series["values"][-1:]
    if not closed:
        return Stat(name, UNDEFINED, None)
    value = closed[-1]
    label = _("%(figure)s, %(period)s") % {
        "figure": name,
        "period": formats.period(value["start"], period),
    }
    note = translated(value["reason"]) if value["reason"] else None
    return Stat(label, in_words(series, value["value"]), note)


def _stat(series: Series, whole: Series | None, period: str, public: bool) -> Stat:
    value = latest(series)
    code = series["indicator"]["code"]
    name = translated(series["indicator"]["name"])
    if public:
        return _of_closed(name, series, period)
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
