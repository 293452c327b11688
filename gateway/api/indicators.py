"""Impact figures."""

from collections.abc import Iterator
from typing import Any

from flask import Response, request

from gateway import i18n, tabular
from gateway.api.answers import CSV_ENDPOINTS, blueprint
from gateway.api.answers import json as json_answer
from gateway.api.schemas import IndicatorListView, IndicatorQuery
from gateway.asking import ask, ask_openly, maybe_signed_in
from gateway.reader import in_words
from shared.contracts import dashboard

CSV_COLUMNS = (
    "indicator",
    "unit",
    "version",
    "currency",
    "minor_units",
    "territory",
    "period",
    "from",
    "to",
    "closed",
    "value",
    "reason",
    "simulated",
    "as_of",
    "timeline",
    "sequence",
)

part = blueprint("indicators", "What the payments add up to. Open to everybody.")
CSV_ENDPOINTS.add("indicators.get_indicator")


@part.route("/indicators", methods=["GET"])
@part.response(200, IndicatorListView)
@part.doc(summary="List indicators", security=[])
def list_indicators() -> Response:
    """The catalogue: what each figure means, its unit, who is left out, where the formula comes from."""
    catalogue = ask_openly(dashboard.SERVICE, "list_indicators", {})
    data = [described(indicator) for indicator in catalogue["data"]]
    return in_words(json_answer({**catalogue, "data": data}))


@part.route("/indicators/<string:code>", methods=["GET"])
@part.arguments(IndicatorQuery, location="query")
@part.response(200, dashboard.IndicatorSeriesView)
@part.doc(summary="Read an indicator", security=[{"session": []}, {}])
def get_indicator(query: dict[str, Any], code: str) -> Response:
    """An indicator's figures, one a period. CSV by the Accept header or at `<code>.csv`.

    An undefined figure is null, with its reason. Every answer names the journal's position that it stands
    for. Operators see live figures; everybody else sees closed periods alone, and no figure behind which
    fewer than five accounts stand, or one that makes more than 60 %. Simulated currencies are exempt from
    both.
    """
    if tabular.wanted():
        return _table(code, query)
    series = _series(code, query)
    values = [{**value, "reason": _reason(value)} for value in series["values"]]
    return in_words(json_answer({**series, "indicator": described(series["indicator"]), "values": values}))


@part.route("/indicators/<string:code>.csv", methods=["GET"])
@part.arguments(IndicatorQuery, location="query")
@part.doc(
    summary="Read an indicator as CSV",
    security=[{"session": []}, {}],
    responses={
        200: {"description": "One row a period", "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
)
def get_indicator_csv(query: dict[str, Any], code: str) -> Response:
    """The same figures as a table."""
    return _table(code, query)


CSV_ENDPOINTS.add("indicators.get_indicator_csv")


def described(indicator: dict[str, Any]) -> dict[str, Any]:
    """An indicator of the catalogue with its texts in the reader's language."""
    texts = {key: i18n.translated(indicator[key]) for key in ("name", "definition", "excludes", "source")}
    return {**indicator, **texts}


def _reason(value: dict[str, Any]) -> str | None:
    """Why a figure is undefined, in the reader's language."""
    return i18n.translated(value["reason"]) if value["reason"] else None


def _series(code: str, query: dict[str, Any]) -> dict[str, Any]:
    dates = {name: query[key].isoformat() for key, name in (("start", "from"), ("end", "to")) if key in query}
    rest = {key: value for key, value in query.items() if key not in ("start", "end")}
    arguments = {"code": code, **rest, **dates}
    # A cookie of a session that has ended keeps nobody from public figures; a program is told.
    if "Authorization" in request.headers or maybe_signed_in() is not None:
        signed: dict[str, Any] = ask(dashboard.SERVICE, "get_indicator", **arguments)
        return signed
    series: dict[str, Any] = ask_openly(dashboard.SERVICE, "get_indicator", arguments)
    return series


def _table(code: str, query: dict[str, Any]) -> Response:
    series = _series(code, query)
    name = "-".join(filter(None, (series["currency"], code, series["period"])))
    return tabular.response(name, CSV_COLUMNS, _rows(series))


def _rows(series: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    indicator, position = series["indicator"], series["position"]
    before = (
        indicator["code"],
        indicator["unit"],
        indicator["version"],
        series["currency"],
        series["minor_units"],
        series["territory"],
        series["period"],
    )
    for value in series["values"]:
        # Of a figure that was worked out when its period had closed, the record it stands for.
        stands_for, as_of = value.get("position", position), value.get("as_of", series["as_of"])
        after = (_yes(series["simulated"]), as_of, stands_for["timeline"], stands_for["sequence"])
        yield (
            *before,
            value["start"],
            value["end"],
            _yes(value["closed"]),
            value["value"],
            _reason(value),
            *after,
        )


def _yes(value: bool) -> str:
    return "true" if value else "false"
