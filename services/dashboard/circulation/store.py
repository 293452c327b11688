"""Which figures of closed periods are missing or out of date, and keeping those that were worked out."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from services.dashboard.circulation.cells import KINDS, WHOLE, Cell, Figure, Wanted, formulas_now
from services.dashboard.indicators import periods
from services.dashboard.indicators.periods import Period
from services.dashboard.projection import tables
from services.dashboard.projection.positions import Progress
from services.dashboard.projection.rows import put
from shared.contracts.journal import Position

_CELLS = tables.cells.c
_CHANGED = tables.changed_days.c
_KEY = ("currency", "territory", "kind", "first")
_VALUES = ("past", "formulas", "figures", "timeline", "sequence", "hash", "recorded_at")

Place = tuple[str, Period]
"""The kind of a period, and the period."""


@dataclass(frozen=True, slots=True)
class StoredCell:
    """Figures by code, and the record of the journal that they stand for."""

    figures: Mapping[str, Figure]
    position: Position
    recorded_at: int | None


def stale(connection: Connection, currency: "Row[Any]", now_us: int) -> list[Wanted]:
    """The closed periods of a currency (a row of `currencies`) that have to be worked out: new ones, those
    that a late record touched, and all where a formula has changed.
    """
    query = select(_CHANGED.day, _CHANGED.sequence).where(_CHANGED.currency == currency.code)
    changed = connection.execute(query.order_by(_CHANGED.day)).all()
    days, sequences = [row.day for row in changed], [row.sequence for row in changed]
    known = _known(connection, currency.code)
    found = []
    for kind in KINDS:
        for period in periods.closed(kind, periods.day(currency.since), now_us):
            last = sequences[bisect_left(days, period.first) : bisect_left(days, period.past)]
            if known.get((kind, period), -1) < max(last, default=0):
                found.append(Wanted(kind, period, now_us))
    return found


def save(
    connection: Connection, currency: str, figures: Sequence[tuple[Wanted, Mapping[str, Cell]]], at: Progress
) -> None:
    """Keep the figures of some periods, which stand for the position `at`."""
    position = at.position
    standing = (position.timeline, position.sequence, position.hash, at.recorded_at)
    rows = []
    for wanted, cells in figures:
        period = wanted.period
        if wanted.kind == periods.ALL:
            # It begins and ends anew with every month: the one before is of no more use.
            connection.execute(
                delete(tables.cells).where(_CELLS.currency == currency, _CELLS.kind == periods.ALL)
            )
        for territory, cell in cells.items():
            key = (currency, territory, wanted.kind, period.first)
            rows.append((*key, period.past, formulas_now(), json.dumps(cell), *standing))
    put(connection, tables.cells, (*_KEY, *_VALUES), rows, key=_KEY, replace=_VALUES)


def load(connection: Connection, currency: str, territory: str | None, kind: str) -> dict[Period, StoredCell]:
    """What is kept for a currency's periods of a kind. A territory that had no account yet when its currency
    was worked out is not among them.
    """
    found = {}
    query = select(tables.cells).where(
        _CELLS.currency == currency, _CELLS.territory == (territory or WHOLE), _CELLS.kind == kind
    )
    for row in connection.execute(query):
        figures = {code: Figure(*figure) for code, figure in json.loads(row.figures).items()}
        position = Position(row.timeline, row.sequence, row.hash)
        found[Period(row.first, row.past)] = StoredCell(figures, position, row.recorded_at)
    return found


def _known(connection: Connection, currency: str) -> dict[Place, int]:
    """Up to which record the periods of a currency have been worked out by the formulas of today."""
    query = select(_CELLS.kind, _CELLS.first, _CELLS.past, _CELLS.sequence).where(
        _CELLS.currency == currency, _CELLS.territory == WHOLE, _CELLS.formulas == formulas_now()
    )
    return {
        (kind, Period(first, past)): sequence for kind, first, past, sequence in connection.execute(query)
    }
