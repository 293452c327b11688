"""What the projection knows of some pools of accounts over some periods, read once for all figures that need
it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from sqlalchemy import CTE, Connection, Integer, Select, column, func, select, values

from services.dashboard.indicators.periods import Period
from services.dashboard.projection import tables
from services.dashboard.projection.areas import DAY_US, join
from shared.contracts.ledger import HOLDER_KINDS

_DAYS = tables.pool_days.c
_ACCOUNT_DAYS = tables.account_days.c
_ACCOUNTS = tables.accounts.c


@dataclass(slots=True)
class Sums:
    """A period's sums. Those of the first line are as of its end (or now, while it runs), minor units.

    `area` is the integral of `balances` over the elapsed part of the period, in minor units times
    microseconds.
    """

    issued: int
    redeemed: int
    balances: int
    area: int
    transfers: int
    volume: int


class Window:
    """Pools over periods that follow each other. `until_us` is the present: later than every entry.

    `positive`: negative balances count as zero, as they do in mutual credit. `whole`: these are all of a
    currency's pools.
    """

    def __init__(
        self,
        connection: Connection,
        pools: Sequence[int],
        periods: Sequence[Period],
        until_us: int,
        positive: bool,
        whole: bool,
    ) -> None:
        self.periods = periods
        # What is issued and redeemed belongs to the currency, not to the territories that it goes to.
        self.books_comparable = whole and not positive
        self._connection = connection
        self._pools = pools
        self._until_us = until_us
        self._positive = positive
        self._first, self._past = periods[0].first, periods[-1].past
        self._starts = [period.first for period in periods]

    def elapsed_us(self, index: int) -> int:
        """How much of a period has passed."""
        period = self.periods[index]
        return max(min(period.end_us, self._until_us) - period.start_us, 0)

    @cached_property
    def sums(self) -> list[Sums]:
        """The sums of each period."""
        _day, issued, redeemed, balances, _area, _transfers, _volume = next(
            self._pool_days(_DAYS.day < self._first, func.min(_DAYS.day)), (0,) * 7
        )
        days = list(self._pool_days((_DAYS.day >= self._first) & (_DAYS.day < self._past), _DAYS.day))
        found, place = [], 0
        for index, period in enumerate(self.periods):
            area = balances * (period.end_us - period.start_us)
            transfers = volume = 0
            while place < len(days) and days[place][0] < period.past:
                day, more_issued, more_redeemed, change, change_area, more_transfers, more_volume = days[
                    place
                ]
                issued, redeemed, balances = issued + more_issued, redeemed + more_redeemed, balances + change
                area += change * (period.end_us - (day + 1) * DAY_US) + change_area
                transfers, volume, place = transfers + more_transfers, volume + more_volume, place + 1
            area -= balances * (period.end_us - period.start_us - self.elapsed_us(index))
            found.append(Sums(issued, redeemed, balances, area, transfers, volume))
        return found

    @cached_property
    def amounts(self) -> list[list[tuple[int, int]]]:
        """For each period, ascending: (amount, how many transfers of it)."""
        columns, periods = tables.amount_days.c, self._periods
        found: list[list[tuple[int, int]]] = [[] for _ in self.periods]
        query = (
            select(periods.c.n, columns.amount, func.sum(columns.transfers))
            .where(
                columns.pool.in_(self._pools), columns.day >= periods.c.first, columns.day < periods.c.past
            )
            .group_by(periods.c.n, columns.amount)
            .order_by(periods.c.n, columns.amount)
        )
        for index, amount, transfers in self._connection.execute(query):
            found[index].append((amount, int(transfers)))
        return found

    @cached_property
    def active(self) -> list[int]:
        """For each period: accounts that took part in a transfer."""
        query = self._by_period(func.count(_ACCOUNT_DAYS.account.distinct())).group_by(self._periods.c.n)
        found: dict[int, int] = dict(self._connection.execute(query).all())
        return [found.get(index, 0) for index in range(len(self.periods))]

    @cached_property
    def received(self) -> list[list[int]]:
        """For each period: what each account that took part in a transfer received."""
        found: list[list[int]] = [[] for _ in self.periods]
        query = self._by_period(func.sum(_ACCOUNT_DAYS.received))
        for index, amount in self._connection.execute(
            query.group_by(self._periods.c.n, _ACCOUNT_DAYS.account)
        ):
            found[index].append(int(amount))
        return found

    @cached_property
    def new(self) -> list[int]:
        """For each period: accounts whose first transfer was in it."""
        found = [0] * len(self.periods)
        in_window = (_ACCOUNTS.first_active >= self._first) & (_ACCOUNTS.first_active < self._past)
        for day, accounts in self._members(_ACCOUNTS.first_active, in_window):
            found[self._index(day)] += accounts
        return found

    @cached_property
    def members(self) -> list[int]:
        """For each period: accounts of people and organisations that were opened before its end."""
        found = [0] * len(self.periods)
        for day, accounts in self._members(_ACCOUNTS.since, _ACCOUNTS.since < self._past):
            found[max(self._index(day), 0)] += accounts
        return list(accumulate(found))

    def member_balances(self) -> Iterator[list[int]]:
        """For each period in turn: the balances of people's and organisations' accounts at its end, zeros
        left out.
        """
        others = self._others()
        current = {account: closing for account, closing in self._closings_before() if account not in others}
        query = (
            select(_ACCOUNT_DAYS.day, _ACCOUNT_DAYS.account, _ACCOUNT_DAYS.closing)
            .where(self._in_pools, _ACCOUNT_DAYS.day >= self._first, _ACCOUNT_DAYS.day < self._past)
            .order_by(_ACCOUNT_DAYS.day)
        )
        changes = self._connection.execute(query).all()
        place = 0
        for period in self.periods:
            while place < len(changes) and changes[place][0] < period.past:
                _day, account, closing = changes[place]
                if account not in others:
                    current[account] = closing
                place += 1
            yield [balance for balance in current.values() if balance]

    def _index(self, day: int) -> int:
        return bisect_right(self._starts, day) - 1

    @property
    def _in_pools(self) -> Any:
        return _ACCOUNT_DAYS.pool.in_(self._pools)

    @cached_property
    def _periods(self) -> CTE:
        rows = [(index, period.first, period.past) for index, period in enumerate(self.periods)]
        columns = (column("n", Integer), column("first", Integer), column("past", Integer))
        return values(*columns, name="periods").data(rows).cte("periods")

    def _by_period(self, figure: Any) -> Select[Any]:
        """Account days with a transfer, joined to the period that they fall into."""
        periods, day = self._periods, _ACCOUNT_DAYS.day
        return select(periods.c.n, figure).where(
            self._in_pools, day >= periods.c.first, day < periods.c.past, _ACCOUNT_DAYS.transfers > 0
        )

    def _members(self, day: Any, condition: Any) -> Iterator[tuple[int, int]]:
        """How many accounts of people and organisations have which day."""
        wanted = _ACCOUNTS.pool.in_(self._pools) & _ACCOUNTS.kind.in_(HOLDER_KINDS)
        yield from self._connection.execute(select(day, func.count()).where(wanted, condition).group_by(day))

    def _others(self) -> set[int]:
        """Accounts that are neither people's nor organisations'."""
        query = select(_ACCOUNTS.account).where(
            _ACCOUNTS.pool.in_(self._pools), _ACCOUNTS.kind.not_in(HOLDER_KINDS)
        )
        return set(self._connection.execute(query).scalars())

    def _closings_before(self) -> list[tuple[int, int]]:
        """The balance of each account before the first period."""
        last = (
            select(_ACCOUNT_DAYS.account, func.max(_ACCOUNT_DAYS.day).label("day"))
            .where(self._in_pools, _ACCOUNT_DAYS.day < self._first)
            .group_by(_ACCOUNT_DAYS.account)
            .subquery()
        )
        query = select(_ACCOUNT_DAYS.account, _ACCOUNT_DAYS.closing).join_from(
            tables.account_days,
            last,
            (_ACCOUNT_DAYS.account == last.c.account) & (_ACCOUNT_DAYS.day == last.c.day),
        )
        return [(account, closing) for account, closing in self._connection.execute(query)]

    def _pool_days(self, condition: Any, day: Any) -> Iterator[tuple[int, ...]]:
        """By day: (day, issued, redeemed, balances, area, transfers, volume), the first four as changes."""
        changes = (
            (_DAYS.positive, _DAYS.positive_area_high, _DAYS.positive_area_low)
            if self._positive
            else (_DAYS.balances, _DAYS.balances_area_high, _DAYS.balances_area_low)
        )
        summed = (_DAYS.issued, _DAYS.redeemed, *changes, _DAYS.transfers, _DAYS.volume)
        query = select(day, *(func.sum(each) for each in summed)).where(
            _DAYS.pool.in_(self._pools), condition
        )
        if day is _DAYS.day:
            query = query.group_by(day).order_by(day)
        for row in self._connection.execute(query):
            # PostgreSQL sums 64-bit numbers to Decimal; of no rows at all the sum is null.
            number, issued, redeemed, balances, high, low, transfers, volume = (
                int(each or 0) for each in row
            )
            yield number, issued, redeemed, balances, join(high, low), transfers, volume
