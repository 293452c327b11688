"""What a chart looks like, in Vega-Lite: figures over periods, labelled where they stand, in the house's
colours.

Values are whole numbers: minor units of money, counts, or millionths of a ratio. Texts arrive in the
reader's language; time runs from left to right in all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEA, TERRACOTTA, OLIVE, SAFFRON = "#0B5A7A", "#B2472A", "#5B6B1F", "#8A5A00"
INK_SOFT, LINE = "#4F5D66", "#D9D2C5"
FONT = "IBM Plex Sans, IBM Plex Sans Arabic, sans-serif"

WIDTH, HEIGHT = 380, 190
LETTER_SIZE = 14
MOST_VALUE_TICKS = 4
MOST_TIME_TICKS = 3
NAME_HEIGHT = 20
OPEN_OPACITY = 0.45
"""How a period that still runs is set apart from those that are over."""


_TIME = {"field": "at", "type": "ordinal"}
_VALUE = {"field": "value", "type": "quantitative"}


@dataclass(frozen=True, slots=True)
class Point:
    """A period's figure; None where it is undefined."""

    label: str
    value: int | None
    closed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over the periods, its name and colour."""

    name: str
    colour: str
    points: Sequence[Point]


def bars(line: Line, unit: int, write: Callable[[int], str]) -> dict[str, Any]:
    """Totals of periods, the last one labelled where no other bar stands in the way.

    `unit` is what makes 1 on the axis, `write` gives an axis value its text.
    """
    rows = _rows([line])
    mark = {
        "mark": {"type": "bar", "color": line.colour},
        "encoding": {
            "x": _time_axis(line.points),
            "y": _value_axis([line], unit, write),
            "opacity": {"condition": {"test": "!datum.closed", "value": OPEN_OPACITY}, "value": 1},
        },
    }
    return _chart(rows, [mark, *_label_of_last(line)])


def lines(given: Sequence[Line], unit: int, write: Callable[[int], str]) -> dict[str, Any]:
    """States at the ends of periods, one line or several; several are named above the picture, in the order
    in which they end.
    """
    rows = _rows(given)
    layers: list[dict[str, Any]] = []
    dashes = ([1, 0], [7, 4])
    for number, line in enumerate(given):
        layers.append(
            {
                "transform": [{"filter": {"field": "name", "equal": line.name}}],
                "mark": {
                    "type": "line",
                    "color": line.colour,
                    "strokeWidth": 2.5,
                    "strokeDash": dashes[number % len(dashes)],
                    "strokeCap": "round",
                    "invalid": "break-paths-show-path-domains",
                },
                "encoding": {"x": _time_axis(line.points), "y": _value_axis(given, unit, write)},
            }
        )
    layers += [_dot_on_last(line) for line in given]
    layers += _names(given) if len(given) > 1 else _label_of_last(given[0])
    return _chart(rows, layers)


def ticks(lowest: int, highest: int, unit: int) -> list[int]:
    """A few round values that span what is shown, in the figures' own whole numbers: at least two."""
    low, high = min(lowest, 0), max(highest, 1)
    step = _round_step(high - low, unit)
    first = low // step * step
    last = -(-high // step) * step
    return list(range(first, last + 1, step))


def _round_step(span: int, unit: int) -> int:
    """The smallest of 1, 2, 5, 10, 20 ... that needs few ticks; of hours or of ten minutes where 60 make a
    unit.
    """
    decade = 1 if unit != 60 else 60 if span > 60 else 10
    while True:
        for factor in (1, 2, 5):
            if span <= decade * factor * MOST_VALUE_TICKS:
                return decade * factor
        decade *= 10


def _rows(given: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {"at": number, "name": line.name, "value": point.value, "closed": point.closed, "text": point.text}
        for line in given
        for number, point in enumerate(line.points)
    ]


def _time_axis(points: Sequence[Point]) -> dict[str, Any]:
    shown = _spread(len(points))
    labels = {str(number): points[number].label for number in shown}
    return {
        "field": "at",
        "type": "ordinal",
        "scale": {"paddingInner": 0.25, "paddingOuter": 0.3},
        "axis": {
            "values": shown,
            "labelExpr": f"{_literal(labels)}[toString(datum.value)]",
            "labelAngle": 0,
            "labelFlush": True,
            "title": None,
            "domain": True,
            "ticks": False,
            "labelPadding": 8,
        },
    }


def _value_axis(given: Sequence[Line], unit: int, write: Callable[[int], str]) -> dict[str, Any]:
    values = [point.value for line in given for point in line.points if point.value is not None] or [0]
    places = ticks(min(values), max(values), unit)
    labels = {str(place): write(place) for place in places}
    return {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [places[0], places[-1]], "nice": False},
        "axis": {
            "values": places,
            "labelExpr": f"{_literal(labels)}[toString(datum.value)]",
            "title": None,
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
        },
    }


def _dot_on_last(line: Line) -> dict[str, Any]:
    return {
        "transform": _only_last(line),
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": line.colour},
        "encoding": {"x": _TIME, "y": _VALUE},
    }


def _label_of_last(line: Line) -> list[dict[str, Any]]:
    """The last figure in words above its place; none where something higher would stand behind the words."""
    known = _known(line)
    if not known or known[-1] < max(known):
        return []
    place = {"baseline": "bottom", "dy": -9, "dx": 10}
    return [_text(line, place, {"x": _TIME, "y": _VALUE})]


def _names(given: Sequence[Line]) -> list[dict[str, Any]]:
    """Name and last figure of each line, one below the other above the picture: the highest line first."""
    ordered = sorted(given, key=lambda line: (_known(line) or [0])[-1])
    return [
        _text(line, {"baseline": "bottom"}, {"x": {"value": "width"}, "y": {"value": -8 - row * NAME_HEIGHT}})
        for row, line in enumerate(ordered)
    ]


def _text(line: Line, place: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    mark = {
        "type": "text",
        "align": "right",
        "fontSize": LETTER_SIZE,
        "fontWeight": 600,
        "color": line.colour,
    }
    return {
        "transform": _only_last(line),
        "mark": {**mark, **place},
        "encoding": {**encoding, "text": {"field": "text", "type": "nominal"}},
    }


def _known(line: Line) -> list[int]:
    return [point.value for point in line.points if point.value is not None]


def _only_last(line: Line) -> list[dict[str, Any]]:
    known = [number for number, point in enumerate(line.points) if point.value is not None]
    last = known[-1] if known else -1
    return [{"filter": {"and": [{"field": "name", "equal": line.name}, {"field": "at", "equal": last}]}}]


def _spread(count: int) -> list[int]:
    """Which of so many periods are named on the axis: a few, evenly, the last among them."""
    if count <= MOST_TIME_TICKS:
        return list(range(count))
    step = -(-(count - 1) // (MOST_TIME_TICKS - 1))
    return sorted(
        count - 1 - number * step for number in range(MOST_TIME_TICKS) if count - 1 - number * step >= 0
    )


def _literal(labels: Mapping[str, str]) -> str:
    """A mapping as an object of Vega's expression language."""
    escaped = {key: text.replace("\\", "\\\\").replace("'", "\\'") for key, text in labels.items()}
    return "{" + ",".join(f"'{key}':'{text}'" for key, text in escaped.items()) + "}"


def _chart(rows: list[dict[str, Any]], layers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "background": None,
        "padding": {"left": 12, "right": 14, "top": 18, "bottom": 2},
        "data": {"values": rows},
        "layer": layers,
        "config": {
            "aria": False,
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": INK_SOFT,
                "labelFontSize": LETTER_SIZE,
                "gridColor": LINE,
                "gridWidth": 1,
                "domainColor": INK_SOFT,
            },
            "axisX": {"grid": False},
        },
    }
