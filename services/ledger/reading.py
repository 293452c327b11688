"""The state that the queries look at: loaded as the writer loads it, and settled by the kernel's own rules,
so that nobody is shown what a command would not find.
"""

from collections.abc import Callable, Collection, Iterable

from sqlalchemy import Connection, or_, select
from sqlalchemy.sql.elements import ColumnElement

from services.ledger.kernel.needs import Looking, Needs
from services.ledger.kernel.state import Account, Currency, Header, Key, State, Thing
from services.ledger.tables import accounts, balances, currencies, things
from services.ledger.writer import rows
from shared.contracts import clock
from shared.contracts.errors import Fault, Refusal

MAX_ROUNDS = 20
"""In how many steps anything leads to all that it needs; more would be a mistake of ours."""

CURRENCY_COLUMNS = [currencies.c[name.strip()] for name in rows.CURRENCY_COLUMNS.split(",")]
ACCOUNT_COLUMNS = [accounts.c[name.strip()] for name in rows.ACCOUNT_COLUMNS.split(",")]
_THING_COLUMNS = [things.c[name.strip()] for name in rows.THING_COLUMNS.split(",")]


def load_state(connection: Connection, look: Callable[[Looking], object], now: int) -> State:
    """A state that holds all that `look` goes through, as it stands; `now` is Unix microseconds."""
    state = State(Header(0, ""), 0)
    for _ in range(MAX_ROUNDS):
        missing = Needs()
        look(Looking(state, now, missing))
        if not missing:
            return state
        _load(connection, state, missing)
    raise RuntimeError(f"after {MAX_ROUNDS} rounds something is still missing: {missing}")


def load_accounts(connection: Connection, ids: Collection[str], now: int) -> State:
    """A state that holds these accounts with what settling them looks at, and what they have spent."""

    def look(looking: Looking) -> None:
        for id in ids:
            looking.account(id)
            looking.thing("spent", id)

    return load_state(connection, look, now)


def load_currencies(connection: Connection, codes: Collection[str]) -> dict[str, Currency]:
    """Currencies by code, of those that exist."""
    found = connection.execute(select(*CURRENCY_COLUMNS).where(currencies.c.code.in_(codes)))
    return {one.code: one for one in map(rows.currency, found)}


def minor_units_in(connection: Connection, codes: Collection[str]) -> Callable[[str], int]:
    """How many minor units make one unit of these currencies, which exist."""
    known = load_currencies(connection, codes)
    return lambda code: known[code].minor_units


def load_things(connection: Connection, keys: Iterable[Key]) -> dict[Key, Thing]:
    """Things by kind and id, of those that there are."""
    by_kind: dict[str, set[str]] = {}
    for kind, id in keys:
        by_kind.setdefault(kind, set()).add(id)
    wanted: list[ColumnElement[bool]] = [
        (things.c.kind == kind) & things.c.id.in_(ids) for kind, ids in by_kind.items()
    ]
    if not wanted:
        return {}
    return dict(rows.thing(row) for row in connection.execute(select(*_THING_COLUMNS).where(or_(*wanted))))


def list_things(
    connection: Connection, kind: str, *conditions: ColumnElement[bool], before: str | None, limit: int
) -> list[tuple[str, Thing]]:
    """Things of a kind with their ids, those with the latest ids first."""
    query = select(*_THING_COLUMNS).where(things.c.kind == kind, *conditions)
    if before is not None:
        query = query.where(things.c.id < before)
    found = connection.execute(query.order_by(things.c.id.desc()).limit(limit))
    return [(key[1], thing) for key, thing in map(rows.thing, found)]


def read_moment(text: str) -> int:
    """A time as a caller gave it, in Unix microseconds. Raises Refusal `invalid-request`."""
    try:
        return clock.from_text(text)
    except (ValueError, OverflowError) as error:
        fault = Fault("/at", "invalid", "a time such as 2026-11-23T10:00:00Z")
        raise Refusal("invalid-request", (fault,)) from error


def _load(connection: Connection, state: State, missing: Needs) -> None:
    if missing.currencies:
        state.currencies.update(dict.fromkeys(missing.currencies))
        state.currencies.update(load_currencies(connection, missing.currencies))
    if missing.accounts:
        state.accounts.update(dict.fromkeys(missing.accounts))
        state.accounts.update({each.id: each for each in _load_accounts(connection, missing.accounts)})
    if missing.things:
        state.things.update(dict.fromkeys(missing.things))
        state.things.update(load_things(connection, missing.things))


def _load_accounts(connection: Connection, ids: Collection[str]) -> list[Account]:
    """Accounts with the balances of all their buckets."""
    query = select(*ACCOUNT_COLUMNS).where(accounts.c.id.in_(ids))
    found = [rows.account(row) for row in connection.execute(query)]
    held = connection.execute(
        select(balances.c.account, balances.c.bucket, balances.c.balance, balances.c.total).where(
            balances.c.account.in_([account.number for account in found])
        )
    )
    rows.add_balances(found, (tuple(row) for row in held))
    return found
