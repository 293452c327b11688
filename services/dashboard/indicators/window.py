"""What the projection knows of some pools of accounts over some periods, read once for all figures.

Rows are put into their periods here and not by the database: what a join with periods costs there hangs on
statistics that are not always up to date.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from services.dashboard.indicators.periods import Period
from services.dashboard.projection import tables
from services.dashboard.projection.areas import DAY_US, join
from shared.contracts.primitives import HOLDER_KINDS

_DAYS = tables.pool_days.c
_ACCOUNT_DAYS = tables.account_days.c
_ACCOUNTS = tables.accounts.c


@dataclass(slots=True)
class Sums:
    """What stands at the end of a period, or now while it runs, in minor units, and what happened in it.

    `area` is the integral of the supply over the elapsed part of the period, in minor units times
    microseconds.
    """

    issued: int = 0
    redeemed: int = 0
    supply: int = 0
    area: int = 0
    transfers: int = 0
    volume: int = 0


class _PoolDay(NamedTuple):
    """Changes on a day; `area` is that of the change of the supply, up to the day's end."""

    day: int
    issued: int
    redeemed: int
    supply: int
    area: int
    transfers: int
    volume: int


class Window:
    """Pools over periods that follow each other. `until_us` is the present: later than every entry.

    `accounted`: issued less redeemed must be the supply. Not so in mutual credit, and not in a single
    territory, since issuing and redeeming belong to the whole currency. `only_active`: accounts without a
    transfer in a period do not count as its members. `before`: the period before the first one, None where
    there is none.
    """

    def __init__(
        self,
        connection: Connection,
        pools: Sequence[int],
        periods: Sequence[Period],
        until_us: int,
        accounted: bool,
        only_active: bool = False,
        before: Period | None = None,
    ) -> None:
        self.before = before
        self.periods = periods
        self.accounted = accounted
        self._only_active = only_active
        self._connection = connection
        self._pools = pools
        self._until_us = until_us
        self._first, self._past = periods[0].first, periods[-1].past
        self._starts = [period.first for period in periods]

    def elapsed_us(self, index: int) -> int:
        """How much of a period has passed."""
        period = self.periods[index]
        return max(min(period.end_us, self._until_us) - period.start_us, 0)

    @cached_property
    def sums(self) -> list[Sums]:
        """The sums of each period."""
        found = [Sums() for _ in self.periods]
        opening = Sums()
        for row in self._pool_days():
            index = self._index(row.day)
            sums = opening if index < 0 else found[index]
            sums.issued += row.issued
            sums.redeemed += row.redeemed
            sums.supply += row.supply
            if index >= 0:
                sums.area += row.supply * (self.periods[index].end_us - (row.day + 1) * DAY_US) + row.area
                sums.transfers += row.transfers
                sums.volume += row.volume
        self._carry_on(opening, found)
        return found

    def _carry_on(self, before: Sums, found: list[Sums]) -> None:
        """Make what changed in each period into what stands at its end, and cut areas at the present."""
        for index, (sums, period) in enumerate(zip(found, self.periods, strict=True)):
            length_us = period.end_us - period.start_us
            sums.area += before.supply * length_us
            sums.issued += before.issued
            sums.redeemed += before.redeemed
            sums.supply += before.supply
            sums.area -= sums.supply * (length_us - self.elapsed_us(index))
            before = sums

    @cached_property
    def amounts(self) -> list[list[tuple[int, int]]]:
        """For each period, ascending: (amount, how many transfers of it)."""
        columns = tables.amount_days.c
        found: list[dict[int, int]] = [{} for _ in self.periods]
        query = select(columns.day, columns.amount, columns.transfers).where(
            columns.pool.in_(self._pools), columns.day >= self._first, columns.day < self._past
        )
        for day, amount, transfers in self._connection.execute(query):
            of_period = found[self._index(day)]
            of_period[amount] = of_period.get(amount, 0) + transfers
        return [sorted(of_period.items()) for of_period in found]

    @cached_property
    def received(self) -> list[dict[int, int]]:
        """For each period: the accounts that took part in a transfer, and what each of them received."""
        found: list[dict[int, int]] = [{} for _ in self.periods]
        for day, account, _change, received, transfers, _paid in self._account_days:
            if transfers:
                of_period = found[self._index(day)]
                of_period[account] = of_period.get(account, 0) + received
        return found

    @cached_property
    def paid(self) -> list[dict[int, int]]:
        """For each period: what each account paid, if anything."""
        found: list[dict[int, int]] = [{} for _ in self.periods]
        for day, account, _change, _received, _transfers, paid in self._account_days:
            if paid:
                of_period = found[self._index(day)]
                of_period[account] = of_period.get(account, 0) + paid
        return found

    @cached_property
    def active_before(self) -> set[int]:
        """The accounts that took part in a transfer in the period before the first."""
        if self.before is None:
            return set()
        query = select(_ACCOUNT_DAYS.account).where(
            _ACCOUNT_DAYS.pool.in_(self._pools),
            _ACCOUNT_DAYS.day >= self.before.first,
            _ACCOUNT_DAYS.day < self.before.past,
            _ACCOUNT_DAYS.transfers > 0,
        )
        return set(self._connection.execute(query).scalars())

    @cached_property
    def holdings(self) -> list[list[int]]:
        """For each period: the positive balances of members at its end."""
        return [[balance for balance in balances if balance > 0] for balances in self.member_balances()]

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
        """For each period: accounts of people and organisations that were opened before its end, or of these
        the active ones.
        """
        if self._only_active:
            return [len(of_period) for of_period in self.received]
        found = [0] * len(self.periods)
        for day, accounts in self._members(_ACCOUNTS.since, _ACCOUNTS.since < self._past):
            found[max(self._index(day), 0)] += accounts
        return list(accumulate(found))

    def member_balances(self) -> Iterator[list[int]]:
        """For each period in turn: the balances of members, no zeros, at its end."""
        others = self._others()
        current = {account: balance for account, balance in self._balances_before() if account not in others}
        changes: list[dict[int, int]] = [{} for _ in self.periods]
        for day, account, change, *_ in self._account_days:
            if account not in others:
                of_period = changes[self._index(day)]
                of_period[account] = of_period.get(account, 0) + change
        for of_period, active in zip(changes, self.received, strict=True):
            for account, change in of_period.items():
                current[account] = current.get(account, 0) + change
            counted = active if self._only_active else current
            yield [balance for account in counted if (balance := current.get(account, 0))]

    def _index(self, day: int) -> int:
        """Which period a day lies in; -1 before the first."""
        return bisect_right(self._starts, day) - 1

    @cached_property
    def _account_days(self) -> Sequence[Any]:
        """(day, account, change of its balance, received, transfers, paid) wherever an account had an
        entry.
        """
        columns = (_ACCOUNT_DAYS.day, _ACCOUNT_DAYS.account, _ACCOUNT_DAYS.change)
        sums = (_ACCOUNT_DAYS.received, _ACCOUNT_DAYS.transfers, _ACCOUNT_DAYS.paid)
        query = select(*columns, *sums).where(
            _ACCOUNT_DAYS.pool.in_(self._pools),
            _ACCOUNT_DAYS.day >= self._first,
            _ACCOUNT_DAYS.day < self._past,
        )
        return self._connection.execute(query).all()

    def _balances_before(self) -> Iterator[tuple[int, int]]:
        """The balance of each account before the first period."""
        query = (
            select(_ACCOUNT_DAYS.account, func.sum(_ACCOUNT_DAYS.change))
            .where(_ACCOUNT_DAYS.pool.in_(self._pools), _ACCOUNT_DAYS.day < self._first)
            .group_by(_ACCOUNT_DAYS.account)
        )
        for account, balance in self._connection.execute(query):
            # PostgreSQL sums 64-bit numbers to Decimal.
            yield account, int(balance)

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

    def _pool_days(self) -> Iterator[_PoolDay]:
        """Every day on which something happened up to the end of the last period, once for each pool."""
        columns = (_DAYS.area_high, _DAYS.area_low, _DAYS.transfers, _DAYS.volume)
        query = select(_DAYS.day, _DAYS.issued, _DAYS.redeemed, _DAYS.supply, *columns).where(
            _DAYS.pool.in_(self._pools), _DAYS.day < self._past
        )
        for day, issued, redeemed, supply, high, low, transfers, volume in self._connection.execute(query):
            yield _PoolDay(day, issued, redeemed, supply, join(high, low), transfers, volume)
