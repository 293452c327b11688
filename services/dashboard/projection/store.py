"""Reading what a batch touches, and writing what it changes: a fixed number of statements, whatever the
batch's size.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from services.dashboard.projection import tables
from services.dashboard.projection.areas import closings, positive_changes, split
from services.dashboard.projection.book import Account, Book, Currency, Part, Pool, PoolDay, touched
from services.dashboard.projection.facts import Facts
from services.dashboard.projection.rows import put

IDS_PER_QUERY = 1000

CURRENCY = ("code", "partition", "kind", "minor_units", "territory", "simulated", "since")
ACCOUNT = ("id", "pool", "kind", "since", "first_active", "balance", "last_at")
ENTRY = ("account", "occurred_at", "sequence", "amount")
ACCOUNT_DAY = ("account", "day", "pool", "closing", "paid", "received", "transfers")
POOL_DAY = (
    "issued",
    "redeemed",
    "balances",
    "positive",
    "balances_area_high",
    "balances_area_low",
    "positive_area_high",
    "positive_area_low",
    "transfers",
    "volume",
)
AMOUNT_DAY = ("pool", "day", "amount", "transfers")
NO_PART = Part()


def load(connection: Connection, batch: Sequence[Facts]) -> Book:
    """The currencies and accounts that the batch names, as far as they are known."""
    codes, ids = touched(batch)
    accounts = {account.id: account for account in _load_accounts(connection, ids)}
    codes.update(account.pool.currency for account in accounts.values())
    return Book(_load_currencies(connection, codes), accounts)


def save(connection: Connection, book: Book) -> None:
    """Write what the book has gathered."""
    _save_currencies(connection, book)
    pools = _save_pools(connection, book)
    _save_accounts(connection, book, pools)
    _save_movements(connection, book, pools)
    _save_pool_days(connection, book, pools)


def _save_currencies(connection: Connection, book: Book) -> None:
    rows = [
        (
            each.code,
            each.partition,
            each.kind,
            each.minor_units,
            each.territory,
            int(each.simulated),
            each.since,
        )
        for each in book.currencies.values()
    ]
    put(connection, tables.currencies, CURRENCY, rows, key=("code",), replace=("since",))


def _load_currencies(connection: Connection, codes: Collection[str]) -> dict[str, Currency]:
    query = select(*(tables.currencies.c[name] for name in CURRENCY)).where(
        tables.currencies.c.code.in_(codes)
    )
    found = {}
    for code, partition, kind, minor_units, territory, simulated, since in connection.execute(query):
        found[code] = Currency(code, partition, kind, minor_units, territory, bool(simulated), since)
    return found


def _load_accounts(connection: Connection, ids: Collection[str]) -> Iterable[Account]:
    accounts, pools = tables.accounts.c, tables.pools.c
    query = select(
        accounts.account,
        accounts.id,
        accounts.kind,
        accounts.since,
        accounts.first_active,
        accounts.balance,
        accounts.last_at,
        pools.currency,
        pools.territory,
    ).join_from(tables.accounts, tables.pools)
    for chunk in _chunks(sorted(ids)):
        for row in connection.execute(query.where(accounts.id.in_(chunk))):
            key, id_, kind, since, first_active, balance, last_at, currency, territory = row
            pool = Pool(currency, territory)
            yield Account(id_, kind, pool, since, key, first_active, balance, last_at)


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(items), IDS_PER_QUERY):
        yield items[start : start + IDS_PER_QUERY]


def _save_pools(connection: Connection, book: Book) -> dict[Pool, int]:
    """The keys of the pools of all accounts in the book, made where they are new."""
    pools, wanted = tables.pools.c, {account.pool for account in book.accounts.values()}
    codes = {pool.currency for pool in wanted}
    query = select(pools.currency, pools.territory, pools.pool).where(pools.currency.in_(codes))

    def known() -> dict[Pool, int]:
        return {Pool(currency, territory): key for currency, territory, key in connection.execute(query)}

    found = known()
    if missing := sorted(wanted - found.keys()):
        columns = ("currency", "territory")
        put(connection, tables.pools, columns, missing, key=columns)
        found = known()
    return found


def _save_accounts(connection: Connection, book: Book, pools: dict[Pool, int]) -> None:
    """Write the accounts as they are after the batch, and give the new ones their keys."""
    rows = [
        (
            account.id,
            pools[account.pool],
            account.kind,
            account.since,
            account.first_active,
            account.balance + sum(amount for _at, _sequence, amount in account.entries),
            max([account.last_at, *(at for at, _sequence, _amount in account.entries)]),
        )
        for account in book.accounts.values()
    ]
    changing = ("since", "first_active", "balance", "last_at")
    put(connection, tables.accounts, ACCOUNT, rows, key=("id",), replace=changing)
    new = sorted(account.id for account in book.accounts.values() if account.key is None)
    columns = tables.accounts.c
    for chunk in _chunks(new):
        query = select(columns.id, columns.account).where(columns.id.in_(chunk))
        for id_, key in connection.execute(query):
            book.accounts[id_].key = key


def _save_movements(connection: Connection, book: Book, pools: dict[Pool, int]) -> None:
    """Write entries and account days, and add to the book what becomes of the positive balances."""
    moved = [account for account in book.accounts.values() if account.entries]
    later = _entries_after(
        connection, [account for account in moved if min(account.entries)[0] < account.last_at]
    )
    new_entries: list[tuple[Any, ...]] = []
    days: list[tuple[Any, ...]] = []
    for account in moved:
        account.entries.sort()
        earlier_known = later.get(account.key, [])
        # The balance just before the first new entry: whatever comes after that is walked again.
        opening = account.balance - sum(amount for _at, amount in earlier_known)
        merged = sorted([*earlier_known, *((at, amount) for at, _sequence, amount in account.entries)])
        _add_positive(book, account.pool, positive_changes(opening, merged), 1)
        _add_positive(book, account.pool, positive_changes(opening, earlier_known), -1)
        new_entries += [(account.key, *entry) for entry in account.entries]
        for day, closing in closings(opening, merged).items():
            part = account.parts.get(day, NO_PART)
            days.append(
                (account.key, day, pools[account.pool], closing, part.paid, part.received, part.transfers)
            )
    put(connection, tables.entries, ENTRY, new_entries, key=ENTRY[:3])
    added = ("paid", "received", "transfers")
    put(
        connection,
        tables.account_days,
        ACCOUNT_DAY,
        days,
        key=ACCOUNT_DAY[:2],
        replace=("closing",),
        add=added,
    )


def _entries_after(
    connection: Connection, late: Sequence[Account]
) -> dict[int | None, list[tuple[int, int]]]:
    """For accounts that have a late entry: all known entries after the first of the new ones, by account."""
    since = {account.key: min(account.entries)[0] for account in late}
    found: dict[int | None, list[tuple[int, int]]] = {}
    columns = tables.entries.c
    for chunk in _chunks(sorted(since, key=since.__getitem__)):
        query = (
            select(columns.account, columns.occurred_at, columns.amount)
            .where(columns.account.in_(chunk), columns.occurred_at > since[chunk[0]])
            .order_by(columns.account, columns.occurred_at)
        )
        for account, at, amount in connection.execute(query):
            if at > since[account]:
                found.setdefault(account, []).append((at, amount))
    return found


def _add_positive(book: Book, pool: Pool, changes: dict[int, list[int]], sign: int) -> None:
    for day, (change, area) in changes.items():
        pool_day = book.day(pool, day)
        pool_day.positive += sign * change
        pool_day.positive_area += sign * area


def _save_pool_days(connection: Connection, book: Book, pools: dict[Pool, int]) -> None:
    rows = [(pools[pool], day, *_pool_day(added)) for (pool, day), added in book.days.items()]
    put(connection, tables.pool_days, ("pool", "day", *POOL_DAY), rows, key=("pool", "day"), add=POOL_DAY)
    amounts = [(pools[pool], day, amount, count) for (pool, day, amount), count in book.amounts.items()]
    put(connection, tables.amount_days, AMOUNT_DAY, amounts, key=AMOUNT_DAY[:3], add=("transfers",))


def _pool_day(day: PoolDay) -> tuple[int, ...]:
    return (
        day.issued,
        day.redeemed,
        day.balances,
        day.positive,
        *split(day.balances_area),
        *split(day.positive_area),
        day.transfers,
        day.volume,
    )
