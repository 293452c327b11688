"""The figures of a currency's periods, each for the whole currency and for every territory.

One pass over all movements in the journal's order follows the units; then each period's payments are read by
themselves, so that never more than one period's network is in memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import Connection, select

from services.dashboard.circulation.cohorts import Atoms
from services.dashboard.circulation.network import Network, ends, pair
from services.dashboard.circulation.tracing import Holder, Spent, Tracing
from services.dashboard.indicators import formulas
from services.dashboard.indicators.catalogue import INDICATORS
from services.dashboard.indicators.formulas import WEEK_US, Undefined, ratio
from services.dashboard.indicators.periods import Period
from services.dashboard.indicators.suppression import hidden
from services.dashboard.projection import tables

KINDS = ("week", "month", "quarter", "year", "all")
"""The kinds of periods that are worked out. Of single days they would say little, at five times the work."""
TRACED = ("holding_period", "transfer_velocity", "effective_balance")
OF_NETWORK = (
    "edge_reciprocity",
    "weighted_reciprocity",
    "density",
    "strongly_connected_share",
    "counterparty_diversity",
    "spending_hhi",
)
CODES = (*TRACED, "retention", *OF_NETWORK)
WHOLE = ""
"""In place of a territory: the whole currency."""
ROWS_AT_ONCE = 5_000

_MOVEMENTS = tables.movements.c


class Wanted(NamedTuple):
    """A period to be worked out; of one that still runs, the part up to `until_us`."""

    kind: str
    period: Period
    until_us: int


class Figure(NamedTuple):
    """`value`, or the `reason` why there is none; `hidden`: why the public does not see it."""

    value: int | float | None
    reason: str | None
    hidden: str | None


Cell = Mapping[str, Figure]


def formulas_now() -> str:
    """The versions of the formulas that `work_out` applies."""
    return " ".join(f"{code}:{INDICATORS[code].version}" for code in CODES)


def work_out(
    connection: Connection, currency: str, wanted: Sequence[Wanted]
) -> Iterator[tuple[Wanted, dict[str, Cell]]]:
    """The figures of each period in turn, by territory, `WHOLE` for the whole currency."""
    scope = _Scope.load(connection, currency)
    tracing = Tracing(scope.holders)
    for payer, payee, amount, at, paid in _movements(connection, currency, None):
        tracing.move(payer, payee, amount, at, bool(paid))
    for each in wanted:
        yield each, _cells(connection, currency, scope, tracing, each)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The accounts of a currency, and the names of its pools."""

    holders: Mapping[int, Holder]
    territories: Mapping[int, str]

    @classmethod
    def load(cls, connection: Connection, currency: str) -> "_Scope":
        pools, accounts = tables.pools.c, tables.accounts.c
        query = select(pools.pool, pools.territory).where(pools.currency == currency)
        territories = dict(connection.execute(query).all())
        held = select(accounts.account, accounts.kind, accounts.pool).where(accounts.pool.in_(territories))
        return cls({key: Holder(kind, pool) for key, kind, pool in connection.execute(held)}, territories)

    def pool_of(self, account: int) -> int:
        return self.holders[account].pool


def _movements(
    connection: Connection, currency: str, period: Period | None
) -> Iterator[tuple[int, int, int, int, int]]:
    """(payer, payee, amount, time, whether it is paid): all of them in the journal's order, or a period's in
    any order.
    """
    columns = (_MOVEMENTS.payer, _MOVEMENTS.payee, _MOVEMENTS.amount, _MOVEMENTS.occurred_at, _MOVEMENTS.paid)
    query = select(*columns).where(_MOVEMENTS.currency == currency)
    if period is None:
        query = query.order_by(_MOVEMENTS.sequence, _MOVEMENTS.part)
    else:
        query = query.where(_MOVEMENTS.day >= period.first, _MOVEMENTS.day < period.past)
    yield from connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def _cells(
    connection: Connection, currency: str, scope: _Scope, tracing: Tracing, wanted: Wanted
) -> dict[str, Cell]:
    weights: dict[int, int] = {}
    for payer, payee, amount, _at, paid in _movements(connection, currency, wanted.period):
        giver, taker = scope.holders.get(payer), scope.holders.get(payee)
        if not paid:
            continue
        if giver is not None and taker is not None and giver.is_member and taker.is_member:
            edge = pair(payer, payee)
            weights[edge] = weights.get(edge, 0) + amount
    whole = Network(weights)
    cells = {WHOLE: _cell(whole, whole, tracing, wanted, None)}
    for pool, territory in scope.territories.items():
        if len(scope.territories) == 1:
            inside = around = whole
        else:
            inside, around = _networks_of(weights, scope, pool)
        cells[territory] = _cell(inside, around, tracing, wanted, pool)
    return cells


def _networks_of(weights: Mapping[int, int], scope: _Scope, pool: int) -> tuple[Network, Network]:
    """Of a pool: the payments within it, and all that its accounts make."""
    inside, around = {}, {}
    for edge, weight in weights.items():
        payer, payee = ends(edge)
        if scope.pool_of(payer) == pool:
            around[edge] = weight
            if scope.pool_of(payee) == pool:
                inside[edge] = weight
    return Network(inside), Network(around)


def _cell(inside: Network, around: Network, tracing: Tracing, wanted: Wanted, pool: int | None) -> Cell:
    of_network = hidden(inside.size, inside.paid.values(), inside.received.values())
    of_spending = hidden(len(around.paid), around.paid.values(), around.received.values())
    if pool is None:
        # Whoever receives takes part as well; in a territory the payers' payments alone count.
        of_spending = of_network
    cell = {code: _figure(getattr(inside, code), of_network) for code in OF_NETWORK}
    cell |= _held(tracing, wanted, pool, of_spending)
    cell["retention"] = _retained(tracing, wanted, pool)
    return cell


def _figure(formula: Callable[[], int | Fraction], why_hidden: str | None) -> Figure:
    try:
        value = formula()
    except Undefined as undefined:
        return Figure(None, undefined.reason, why_hidden)
    return Figure(value if isinstance(value, int) else ratio(value), None, why_hidden)


def _held(tracing: Tracing, wanted: Wanted, pool: int | None, why_hidden: str | None) -> dict[str, Figure]:
    spent, atoms = Spent(), _atoms_of(wanted.period)
    for (payers, atom), part in tracing.spent.items():
        if pool in (None, payers) and atom in atoms:
            spent.volume += part.volume
            spent.traced += part.traced
            spent.held += part.held
    weeks = Fraction(min(wanted.period.end_us, wanted.until_us) - wanted.period.start_us, WEEK_US)

    def holding() -> Fraction:
        if not spent.volume:
            raise Undefined(formulas.NO_TRANSFERS)
        return formulas.holding_weeks(spent.held, spent.traced)

    return {
        "holding_period": _figure(holding, why_hidden),
        "transfer_velocity": _figure(lambda: formulas.transfer_velocity(holding()), why_hidden),
        "effective_balance": _figure(
            lambda: formulas.effective_balance(spent.volume, holding(), weeks), why_hidden
        ),
    }


def _retained(tracing: Tracing, wanted: Wanted, pool: int | None) -> Figure:
    if pool is not None:
        return Figure(None, formulas.WHOLE_CURRENCY, None)
    issued: dict[int, int] = {}
    atoms = _atoms_of(wanted.period)
    for (atom, account), amount in tracing.issued.items():
        if atom in atoms:
            issued[account] = issued.get(account, 0) + amount
    redeemed = sum(
        amount
        for (cohort, atom), amount in tracing.redeemed.items()
        if cohort in atoms and atom < wanted.period.past
    )
    why_hidden = hidden(len(issued), issued.values())
    return _figure(lambda: formulas.retention(sum(issued.values()), redeemed), why_hidden)


def _atoms_of(period: Period) -> range:
    """Where the atoms of a period begin; a currency's first day may lie within one."""
    return range(Atoms().of(period.first), period.past)
