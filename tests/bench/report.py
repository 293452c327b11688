"""The table of goals and the file of everything that was measured."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.goals import GOALS, Result

HEADER = ("goal", "least", "aim", "median", "min to max", "of aim", "met", "measured")


def table(results: Sequence[Result]) -> str:
    """The goals that were measured, as a table in Markdown."""
    rows = [HEADER, tuple("-" * len(title) for title in HEADER), *map(_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def save(path: Path, settings: dict[str, Any], results: Sequence[Result], measured: dict[str, Any]) -> None:
    """Write settings, goals and all measurements as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    goals = {result.goal: result.to_json() for result in results}
    text = json.dumps({**settings, "goals": goals, "measured": measured}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def lines(measured: dict[str, Any]) -> str:
    """Everything measured, a line for each."""
    return "\n".join(f"{name}: {_flat(values)}" for name, values in measured.items())


def _flat(values: Any) -> str:
    if isinstance(values, dict):
        return ", ".join(f"{name} {_flat(value)}" for name, value in values.items())
    if isinstance(values, list):
        return "[" + ", ".join(map(_flat, values)) + "]"
    return _number(values) if isinstance(values, float) else str(values)


def _row(result: Result) -> tuple[str, ...]:
    goal, figure = GOALS[result.goal], result.figure
    spread = f"{_number(figure.least)} to {_number(figure.most)}"
    return (
        goal.text,
        f"{_number(goal.least)} {goal.unit}",
        f"{_number(goal.aim)} {goal.unit}",
        f"{_number(figure.median)} {goal.unit}",
        spread if len(figure.values) > 1 else "",
        f"{result.against_aim:.2f}",
        result.met,
        result.shown,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
