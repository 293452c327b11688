"""The calls about indicators.

They are open to everyone: sums over a whole currency or territory, no account and no person in them. Every
figure says up to which record of the journal it counts, and whether the projection has come to a halt there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select

from services.dashboard.indicators import formulas, periods
from services.dashboard.indicators.catalogue import INDICATORS, Indicator
from services.dashboard.indicators.figures import FIGURES, Figure
from services.dashboard.indicators.formulas import Undefined
from services.dashboard.indicators.periods import Period
from services.dashboard.indicators.window import Window
from services.dashboard.projection import positions, tables
from services.dashboard.projection.book import MUTUAL_CREDIT
from services.dashboard.projection.positions import Progress
from services.dashboard.registrations.tables import registration_days
from services.dashboard.resources import Resources
from shared.contracts import clock
from shared.contracts.errors import Fault, Refusal
from shared.messaging.service import Request


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one or more indicators; `start` and `end` as in `periods.choose`, `accounts` "all"
    or "active".
    """

    currency: str | None
    territory: str | None
    period: str
    start: date | None
    end: date | None
    accounts: str = "all"

    @classmethod
    def of(cls, request: Request) -> "Question":
        return cls(**{name: request.arguments[name] for name in cls.__slots__})


def list_indicators(resources: Resources, request: Request) -> dict[str, Any]:
    """The catalogue."""
    data = [indicator.view() for indicator in INDICATORS.values()]
    return {"data": data, "next_cursor": None, "has_more": False}


def get_indicator(resources: Resources, request: Request) -> dict[str, Any]:
    """One indicator, an `IndicatorSeriesView`. Raises Refusal `not-found`, `unknown-currency`,
    `invalid-request`.
    """
    [series] = answer(resources, [request.arguments["code"]], Question.of(request), clock.now_us())
    return series


def get_overview(resources: Resources, request: Request) -> dict[str, Any]:
    """Several indicators of a currency: {"data": [an `IndicatorSeriesView` for each code]}. Raises as
    `get_indicator`.
    """
    return {"data": answer(resources, request.arguments["codes"], Question.of(request), clock.now_us())}


def answer(
    resources: Resources, codes: Sequence[str], question: Question, now_us: int
) -> list[dict[str, Any]]:
    """The series of each code, all from the same state of the data; `now_us` is the present in Unix
    microseconds.
    """
    unknown = [code for code in codes if code not in INDICATORS]
    if unknown:
        raise Refusal("not-found")
    with resources.database.read() as connection:
        room: _Currency | None = None
        series = []
        for indicator in (INDICATORS[code] for code in codes):
            if not indicator.of_currency:
                series.append(_registrations(resources, connection, indicator, question, now_us))
                continue
            if room is None:
                room = _Currency(connection, question, now_us)
            series.append(room.series(indicator))
        return series


class _Currency:
    """A currency over the periods that are asked for."""

    def __init__(self, connection: Connection, question: Question, now_us: int) -> None:
        if question.currency is None:
            raise Refusal("invalid-request", (Fault("/currency", "required", "the code of a currency"),))
        columns = tables.currencies.c
        row = connection.execute(
            select(tables.currencies).where(columns.code == question.currency)
        ).one_or_none()
        if row is None:
            raise Refusal("unknown-currency", currency=question.currency)
        self._row = row
        self._question = question
        self._now_us = now_us
        self._progress = positions.load(connection, row.partition)
        self._periods = periods.choose(
            question.period, periods.day(row.since), now_us, question.start, question.end
        )
        pools = _pools(connection, question)
        # A record may be a moment ahead of this machine's clock; none is ahead of the last recorded one.
        until_us = max(now_us, self._progress.recorded_at or 0)
        self._window = (
            Window(
                connection,
                pools,
                self._periods,
                until_us,
                accounted=question.territory is None and row.kind != MUTUAL_CREDIT,
                only_active=question.accounts == "active",
            )
            if pools
            else None
        )

    def series(self, indicator: Indicator) -> dict[str, Any]:
        values = []
        if self._window is None:
            values = [
                _value(period, self._now_us, _undefined(formulas.NO_TERRITORY)) for period in self._periods
            ]
        else:
            for period, figure in zip(self._periods, FIGURES[indicator.code](self._window), strict=True):
                values.append(_value(period, self._now_us, figure, self._row.since))
        return _series(
            indicator, self._question, values, self._row.partition, self._progress,
            currency=self._row.code, minor_units=self._row.minor_units, simulated=bool(self._row.simulated),
        )  # fmt: skip


def _pools(connection: Connection, question: Question) -> list[int]:
    columns = tables.pools.c
    query = select(columns.pool).where(columns.currency == question.currency)
    if question.territory is not None:
        query = query.where(columns.territory == question.territory)
    return list(connection.execute(query).scalars())


def _registrations(
    resources: Resources, connection: Connection, indicator: Indicator, question: Question, now_us: int
) -> dict[str, Any]:
    """Registrations by period; they are of the platform, not of a currency or a territory."""
    columns = registration_days.c
    since = connection.execute(select(func.min(columns.day))).scalar()
    first = periods.today(now_us) if since is None else periods.day(since)
    values = []
    for period in periods.choose(question.period, first, now_us, question.start, question.end):
        query = select(func.sum(columns.people)).where(columns.day >= period.first, columns.day < period.past)
        people = int(connection.execute(query).scalar() or 0)
        values.append(_value(period, now_us, partial(int, people), periods.number(first)))
    partition = resources.partitions[0]
    plain = Question(None, None, question.period, None, None)
    return _series(
        indicator, plain, values, partition, positions.load(connection, partition),
        currency=None, minor_units=None, simulated=False,
    )  # fmt: skip


def _undefined(reason: str) -> Figure:
    def figure() -> int:
        raise Undefined(reason)

    return figure


def _value(period: Period, now_us: int, figure: Figure, since: int | None = None) -> dict[str, Any]:
    """A `ValueView`; `since` is the day before which nothing was known."""
    value: int | float | None = None
    reason: str | None = None
    try:
        if period.start_us > now_us:
            raise Undefined(formulas.NOT_BEGUN)
        if since is not None and period.past <= since:
            raise Undefined(formulas.BEFORE_START)
        value = figure()
    except Undefined as undefined:
        reason = undefined.reason
    return {
        "start": periods.day(period.first).isoformat(),
        "end": periods.day(period.past).isoformat(),
        "closed": period.end_us <= now_us,
        "value": value,
        "reason": reason,
    }


def _series(
    indicator: Indicator,
    question: Question,
    values: list[dict[str, Any]],
    partition: int,
    progress: Progress,
    *,
    currency: str | None,
    minor_units: int | None,
    simulated: bool,
) -> dict[str, Any]:
    """An `IndicatorSeriesView`."""
    position, recorded_at = progress.position, progress.recorded_at
    return {
        "indicator": indicator.view(),
        "currency": currency,
        "minor_units": minor_units,
        "simulated": simulated,
        "territory": question.territory,
        "period": question.period,
        "values": values,
        "position": {
            "partition": partition,
            "timeline": position.timeline,
            "sequence": position.sequence,
            "hash": position.hash,
        },
        "as_of": None if recorded_at is None else clock.to_text(recorded_at),
        "stalled": progress.stalled is not None,
    }
