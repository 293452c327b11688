"""What a currency's payments add up to: key figures that follow the journal, and time series with their
numbers.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from babel.numbers import format_compact_decimal
from flask import Blueprint, Response, render_template, request
from markupsafe import Markup, escape

from gateway import formats, i18n
from gateway.asking import together
from gateway.charts import specs
from gateway.charts.renderer import ChartsUnavailable
from gateway.charts.specs import Line, Point
from gateway.i18n import gettext as _
from gateway.i18n import translated
from gateway.pages import figures
from gateway.pages.common import Currency, Series, currencies, currency_of, in_words
from gateway.wiring import wiring
from shared.contracts.errors import Refusal

DEFAULT_PERIOD = "month"
SHOWN_PERIODS = {"day": 60, "week": 52, "month": 36, "quarter": 20, "year": 15}
"""How many periods a chart shows, so that each can still be told from the next."""
SERIES_SECONDS = 2.0
MILLIONTHS = 1_000_000
COMPACT_FROM = 10_000
"""Axis values from here on are shortened: "20K"."""

pages = Blueprint("impact", __name__)


class Chart(NamedTuple):
    """A chart to be: its series together in one picture; `state`: a level at the period's end, not a
    period's total.
    """

    id: str
    codes: tuple[str, ...]
    colours: tuple[str, ...]
    state: bool


CHARTS = (
    Chart("volume", ("volume",), (specs.SEA,), state=False),
    Chart("active_accounts", ("active_accounts",), (specs.TERRACOTTA,), state=False),
    Chart("supply", ("supply",), (specs.OLIVE,), state=True),
    Chart("velocity", ("velocity",), (specs.SAFFRON,), state=True),
    Chart("gini", ("gini_balances", "gini_received"), (specs.SEA, specs.TERRACOTTA), state=True),
)
CODES = tuple(code for chart in CHARTS for code in chart.codes)


class Figure(NamedTuple):
    """A chart as the page shows it: with its words, its numbers as a table and as files."""

    id: str
    title: str
    definitions: list[str]
    sentence: str
    columns: list[Any]
    rows: list[list[str]]
    csv: list[tuple[str, str]]
    source: str
    svg: Markup | None


@pages.get("/impact")
def index() -> str:
    return render_template("impact_index.html", currencies=figures.with_most_life(currencies().values()))


@pages.get("/impact/<string:code>")
def show(code: str) -> str:
    currency, period = currency_of(code), _period()
    try:
        key, series, circulation = together(
            lambda: figures.key_figures(currency, period),
            lambda: figures.overview(code, CODES, period, days_back=None, seconds=SERIES_SECONDS),
            lambda: figures.circulation(code, period),
        )
    except Refusal as refusal:
        if refusal.slug != "unknown-currency":
            raise
        # The ledger knows it, the dashboard not yet: it is a moment old.
        key, series, circulation = None, [], None
    return render_template(
        "impact.html",
        currency=currency,
        period=period,
        period_names=figures.period_names(),
        key=key,
        circulation=circulation,
        figures=_figures(currency, series, period) if series else [],
    )


@pages.get("/impact/<string:code>/figures")
def key_figures(code: str) -> Response:
    """The key figures alone, for the page to refresh; 204 while the journal's position is the one named by
    `seen`.
    """
    currency, period = currency_of(code), _period()
    if figures.position_of(code) == request.args.get("seen"):
        return Response(status=204)
    key = figures.key_figures(currency, period)
    return Response(render_template("impact_figures.html", currency=currency, period=period, key=key))


def _period() -> str:
    asked = request.args.get("period", DEFAULT_PERIOD)
    return asked if asked in SHOWN_PERIODS else DEFAULT_PERIOD


def _figures(currency: Currency, series: Sequence[Series], period: str) -> list[Figure]:
    by_code = {each["indicator"]["code"]: each for each in series}
    shown = [chart for chart in CHARTS if all(code in by_code for code in chart.codes)]
    drawn: list[str | None]
    try:
        drawn = list(wiring().charts.draw([_spec(chart, by_code, period) for chart in shown]))
    except ChartsUnavailable:
        drawn = [None] * len(shown)
    return [
        _figure(chart, [by_code[code] for code in chart.codes], currency, period, svg)
        for chart, svg in zip(shown, drawn, strict=True)
    ]


def _spec(chart: Chart, by_code: dict[str, Series], period: str) -> dict[str, Any]:
    several = len(chart.codes) > 1
    given = [
        Line(_name(by_code[code]), colour, _points(by_code[code], period, named=several))
        for code, colour in zip(chart.codes, chart.colours, strict=True)
    ]
    first = by_code[chart.codes[0]]
    unit = _per_unit(first)

    def write(place: int) -> str:
        return _axis_text(place, unit, first)

    return specs.lines(given, unit, write) if chart.state else specs.bars(given[0], unit, write)


def _figure(
    chart: Chart, series: Sequence[Series], currency: Currency, period: str, svg: str | None
) -> Figure:
    title = _name(series[0]) if len(series) == 1 else _("Inequality (Gini coefficients)")
    rows = [
        [
            _label(values[0], period),
            *(in_words(each, value["value"]) for each, value in zip(series, values, strict=True)),
        ]
        for values in zip(*(_shown(each, period) for each in series), strict=True)
    ]
    address = f"/api/v1/indicators/{{}}.csv?currency={currency['code']}&period={period}"
    return Figure(
        id=chart.id,
        title=title,
        definitions=[_definition(each) for each in series],
        sentence=" ".join(_sentence(each, period, named=len(series) > 1) for each in series),
        columns=[_("Period"), *((_name(each), "num") for each in series)],
        rows=rows[::-1],
        csv=[(_name(each), address.format(each["indicator"]["code"])) for each in series],
        source=", ".join(dict.fromkeys(translated(each["indicator"]["source"]) for each in series)),
        svg=_inline(svg, title) if svg and any(_known(each, period) for each in series) else None,
    )


def _sentence(series: Series, period: str, *, named: bool) -> str:
    """The last two figures in words."""
    told = [
        _("%(period)s: %(value)s.")
        % {"period": _label(value, period), "value": in_words(series, value["value"])}
        for value in _known(series, period)[-2:]
    ]
    if not told:
        return _("Nothing to show yet.")
    return (f"{_name(series)}. " if named else "") + " ".join(told)


def _definition(series: Series) -> str:
    indicator = series["indicator"]
    sentences = [translated(indicator["definition"])]
    if indicator["excludes"]:
        sentences.append(_("Left out: %(whom)s") % {"whom": translated(indicator["excludes"])})
    return " ".join(sentences)


def _label(value: Any, period: str) -> str:
    text = formats.period(value["start"], period)
    return text if value["closed"] else _("%(period)s so far") % {"period": text}


def _name(series: Series) -> str:
    return translated(series["indicator"]["name"])


def _shown(series: Series, period: str) -> list[Any]:
    return list(series["values"][-SHOWN_PERIODS[period] :])


def _known(series: Series, period: str) -> list[Any]:
    return [value for value in _shown(series, period) if value["value"] is not None]


def _points(series: Series, period: str, *, named: bool) -> list[Point]:
    unit = _per_unit(series)
    points = []
    for value in _shown(series, period):
        scaled = None
        if value["value"] is not None:
            scaled = int(Decimal(str(value["value"])) * (unit if unit == MILLIONTHS else 1))
        text = in_words(series, value["value"])
        points.append(
            Point(
                label=formats.short_period(value["start"], period),
                value=scaled,
                closed=value["closed"],
                text=f"{_name(series)} {text}" if named else text,
            )
        )
    return points


def _per_unit(series: Series) -> int:
    unit = series["indicator"]["unit"]
    if unit == "money":
        return int(series["minor_units"])
    return 1 if unit == "count" else MILLIONTHS


def _axis_text(place: int, unit: int, series: Series) -> str:
    if series["indicator"]["unit"] == "money" and unit == 60:
        return formats.amount(place, 60)
    exact = Decimal(place) / unit
    if abs(exact) >= COMPACT_FROM:
        return format_compact_decimal(
            exact, format_type="short", locale=i18n.locale(), fraction_digits=1, numbering_system="latn"
        )
    digits = max(-int(exact.normalize().as_tuple().exponent), 0)
    return formats.ratio(exact, digits)


def _inline(svg: str, title: str) -> Markup:
    """The chart for use inside a page, as one picture with a name."""
    named = Markup('<svg role="img" aria-label="{}" ').format(escape(title))
    return named + Markup(re.sub(r"^<svg ", "", svg, count=1))
