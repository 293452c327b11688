"""The calls about indicators.

They are open to everyone: sums over a whole currency or territory, no account and no person in them. Whoever
runs the currencies sees live figures; the public sees those of closed periods, without the ones that would
tell of single accounts (`suppression`). Simulated currencies have nobody to protect. Every figure says
up to which record of the journal it counts, and whether the projection has come to a halt there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Connection, func, select

from services.dashboard.circulation.cells import CODES, KINDS, WHOLE, Cell, Wanted, work_out
from services.dashboard.circulation.cells import Figure as Known
from services.dashboard.circulation.store import StoredCell, load
from services.dashboard.indicators import formulas, periods
from services.dashboard.indicators.catalogue import INDICATORS, Indicator
from services.dashboard.indicators.figures import FIGURES, Figure
from services.dashboard.indicators.formulas import Undefined
from services.dashboard.indicators.periods import Period
from services.dashboard.indicators.suppression import hidden, hides
from services.dashboard.indicators.window import Window
from services.dashboard.projection import positions, tables
from services.dashboard.projection.book import MUTUAL_CREDIT
from services.dashboard.projection.positions import Progress
from services.dashboard.registrations.tables import registration_days
from services.dashboard.resources import Resources
from shared.auth.principal import ADMINISTRATOR, OPERATOR
from shared.contracts import clock
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import Position
from shared.messaging.service import Request

MAX_MOVEMENTS_AT_ONCE = 20_000
"""Up to how many movements of a currency the figures of an open period are worked out for operators: a
quarter of a second.
"""


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
    [series] = answer(
        resources, [request.arguments["code"]], Question.of(request), clock.now_us(), live=_sees_live(request)
    )
    return series


def get_overview(resources: Resources, request: Request) -> dict[str, Any]:
    """Several indicators of a currency: {"data": [an `IndicatorSeriesView` for each code]}. Raises as
    `get_indicator`.
    """
    codes = request.arguments["codes"]
    question, live = Question.of(request), _sees_live(request)
    return {"data": answer(resources, codes, question, clock.now_us(), live=live)}


def _sees_live(request: Request) -> bool:
    return request.caller is not None and request.caller.has(OPERATOR, ADMINISTRATOR)


def answer(
    resources: Resources, codes: Sequence[str], question: Question, now_us: int, *, live: bool
) -> list[dict[str, Any]]:
    """The series of each code, all from the same state of the data; `now_us` is the present in Unix
    microseconds. `live`: as those who run the currencies see them, else as the public does.
    """
    unknown = [code for code in codes if code not in INDICATORS]
    if unknown:
        raise Refusal("not-found")
    with resources.database.read() as connection:
        room: _Currency | None = None
        series = []
        for indicator in (INDICATORS[code] for code in codes):
            if not indicator.of_currency:
                series.append(_registrations(resources, connection, indicator, question, now_us, live))
                continue
            if room is None:
                room = _Currency(connection, question, now_us, live)
            series.append(room.series(indicator))
        return series


class _Currency:
    """A currency over the periods that are asked for."""

    def __init__(self, connection: Connection, question: Question, now_us: int, live: bool) -> None:
        if question.currency is None:
            raise Refusal("invalid-request", (Fault("/currency", "required", "the code of a currency"),))
        columns = tables.currencies.c
        row = connection.execute(
            select(tables.currencies).where(columns.code == question.currency)
        ).one_or_none()
        if row is None:
            raise Refusal("unknown-currency", currency=question.currency)
        self._row = row
        self._connection = connection
        self._operates = live
        self._public = not live and not row.simulated
        self._question = question
        self._now_us = now_us
        self._progress = positions.load(connection, row.partition)
        self._periods = periods.choose(
            question.period, periods.day(row.since), now_us, question.start, question.end
        )
        if self._public and question.period == periods.ALL:
            self._periods = periods.closed(periods.ALL, periods.day(row.since), now_us) or self._periods
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
                before=periods.before(question.period, self._periods[0]),
            )
            if pools
            else None
        )

    def series(self, indicator: Indicator) -> dict[str, Any]:
        if self._window is None:
            values = [
                _value(period, self._now_us, _undefined(formulas.NO_TERRITORY)) for period in self._periods
            ]
        elif indicator.code in CODES:
            values = [self._worked(indicator.code, period) for period in self._periods]
        else:
            values = self._counted(indicator.code, self._window)
        return _series(
            indicator, self._question, values, self._row.partition, self._progress,
            currency=self._row.code, minor_units=self._row.minor_units, simulated=bool(self._row.simulated),
        )  # fmt: skip

    def _counted(self, code: str, window: Window) -> list[dict[str, Any]]:
        """Figures that are worked out when they are asked for."""
        values = []
        for index, (period, figure) in enumerate(zip(self._periods, FIGURES[code](window), strict=True)):
            if self._public:
                figure = _public(period, self._now_us, figure, partial(hides, code, window, index))
            values.append(_value(period, self._now_us, figure, self._row.since))
        return values

    def _worked(self, code: str, period: Period) -> dict[str, Any]:
        """A figure that a job has worked out, or will."""
        if self._question.period not in KINDS:
            return _value(period, self._now_us, _undefined(formulas.NOT_BY_DAY), self._row.since)
        stored = self._cells.get(period)
        if stored is None:
            figure = self._not_stored(code, period)
            return _value(period, self._now_us, figure, self._row.since)
        known = stored.figures[code]
        figure = _told(known)
        if self._public:
            figure = _public(period, self._now_us, figure, lambda: known.hidden)
        value = _value(period, self._now_us, figure, self._row.since)
        position = _position(self._row.partition, stored.position)
        return {**value, "position": position, "as_of": _time(stored.recorded_at)}

    @cached_property
    def _cells(self) -> dict[Period, StoredCell]:
        question = self._question
        return load(self._connection, self._row.code, question.territory, question.period)

    def _not_stored(self, code: str, period: Period) -> Figure:
        if period.end_us > self._now_us:
            if self._public:
                return _undefined(formulas.PUBLIC_WHEN_CLOSED)
            if not self._operates or not self._is_small:
                return _undefined(formulas.WHEN_CLOSED)
            cell = self._open_cells(period).get(self._question.territory or WHOLE)
            return _undefined(formulas.NO_TRANSFERS) if cell is None else _told(cell[code])
        whole = self._cells if self._question.territory is None else self._cells_of_all
        # The territory had no account yet when its currency was worked out.
        return _undefined(formulas.NO_TRANSFERS if period in whole else formulas.BEING_WORKED_OUT)

    @cached_property
    def _cells_of_all(self) -> dict[Period, StoredCell]:
        return load(self._connection, self._row.code, None, self._question.period)

    @cached_property
    def _is_small(self) -> bool:
        """Whether an open period can be worked out while somebody waits."""
        few = select(tables.movements.c.day).where(tables.movements.c.currency == self._row.code)
        counted = select(func.count()).select_from(few.limit(MAX_MOVEMENTS_AT_ONCE + 1).subquery())
        return int(self._connection.execute(counted).scalar() or 0) <= MAX_MOVEMENTS_AT_ONCE

    def _open_cells(self, period: Period) -> dict[str, Cell]:
        if period not in self._worked_now:
            wanted = Wanted(self._question.period, period, self._now_us)
            [(_, self._worked_now[period])] = work_out(self._connection, self._row.code, [wanted])
        return self._worked_now[period]

    @cached_property
    def _worked_now(self) -> dict[Period, dict[str, Cell]]:
        return {}


def _public(period: Period, now_us: int, figure: Figure, why_hidden: Callable[[], str | None]) -> Figure:
    """A figure as the public sees it."""
    if period.end_us > now_us >= period.start_us:
        return _undefined(formulas.PUBLIC_WHEN_CLOSED)

    def shown() -> int | float:
        if (reason := why_hidden()) is not None:
            raise Undefined(reason)
        return figure()

    return shown


def _told(known: Known) -> Figure:
    def figure() -> int | float:
        if known.value is None:
            raise Undefined(str(known.reason))
        return known.value

    return figure


def _pools(connection: Connection, question: Question) -> list[int]:
    columns = tables.pools.c
    query = select(columns.pool).where(columns.currency == question.currency)
    if question.territory is not None:
        query = query.where(columns.territory == question.territory)
    return list(connection.execute(query).scalars())


def _registrations(
    resources: Resources,
    connection: Connection,
    indicator: Indicator,
    question: Question,
    now_us: int,
    live: bool,
) -> dict[str, Any]:
    """Registrations by period; they are of the platform, not of a currency or a territory."""
    columns = registration_days.c
    since = connection.execute(select(func.min(columns.day))).scalar()
    first = periods.today(now_us) if since is None else periods.day(since)
    values = []
    chosen = periods.choose(question.period, first, now_us, question.start, question.end)
    if not live and question.period == periods.ALL:
        chosen = periods.closed(periods.ALL, first, now_us) or chosen
    for period in chosen:
        query = select(func.sum(columns.people)).where(columns.day >= period.first, columns.day < period.past)
        people = int(connection.execute(query).scalar() or 0)
        figure: Figure = partial(int, people)
        if not live:
            figure = _public(period, now_us, figure, partial(hidden, people))
        values.append(_value(period, now_us, figure, periods.number(first)))
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
        "position": _position(partition, position),
        "as_of": _time(recorded_at),
        "stalled": progress.stalled is not None,
    }


def _position(partition: int, position: Position) -> dict[str, Any]:
    """A `PositionView`."""
    return {
        "partition": partition,
        "timeline": position.timeline,
        "sequence": position.sequence,
        "hash": position.hash,
    }


def _time(recorded_at: int | None) -> str | None:
    return None if recorded_at is None else clock.to_text(recorded_at)
