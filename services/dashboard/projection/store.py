"""Reading what a batch touches, and writing what it changes: a fixed number of statements, whatever the
batch's size.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from services.dashboard.projection import tables
from services.dashboard.projection.areas import positive_changes, split
from services.dashboard.projection.book import Account, AccountState, Book, Currency, Pool, touched
from services.dashboard.projection.facts import Facts, Payment
from services.dashboard.projection.rows import put, select_named

IDS_PER_QUERY = 1000

CURRENCY = ("code", "partition", "kind", "minor_units", "territory", "simulated", "since")
ACCOUNT = ("id", "pool", "kind", "since", "first_active", "balance", "last_at")
ENTRY = ("account", "occurred_at", "sequence", "amount")
ACCOUNT_DAY = ("pool", "day", "account", "change", "paid", "received", "transfers")
POOL_DAY = ("pool", "day", "issued", "redeemed", "supply", "area_high", "area_low", "transfers", "volume")
AMOUNT_DAY = ("pool", "day", "amount", "transfers")
MOVEMENT = ("currency", "day", "sequence", "part", "payer", "payee", "amount", "occurred_at", "paid")
CHANGED_DAY = ("currency", "day", "sequence")


def load(connection: Connection, batch: Sequence[Facts | Payment]) -> Book:
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
    _save_credit(connection, book)
    _save_days(connection, book, pools)
    _save_movements(connection, book)


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
    query = (
        "SELECT accounts.account, accounts.id, accounts.kind, accounts.since, accounts.first_active, "
        "accounts.balance, accounts.last_at, pools.currency, pools.territory "
        "FROM accounts JOIN pools ON pools.pool = accounts.pool WHERE accounts.id IN "
    )
    pools: dict[Pool, Pool] = {}
    for row in select_named(connection, query, sorted(ids)):
        key, id_, kind, since, first_active, balance, last_at, currency, territory = row
        pool = Pool(currency, territory)
        before = AccountState(since, first_active, balance, last_at)
        yield Account(id_, kind, pools.setdefault(pool, pool), *before, key=key, state_before=before)


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
    """Write the accounts that the batch changes or opens, and give the new ones their keys."""
    rows = [
        (account.id, pools[account.pool], account.kind, *account.state_after())
        for account in book.accounts.values()
        if account.key is None or account.state_after() != account.state_before
    ]
    put(connection, tables.accounts, ACCOUNT, rows, key=("id",), replace=ACCOUNT[3:])
    new = sorted(account.id for account in book.accounts.values() if account.key is None)
    columns = tables.accounts.c
    for chunk in _chunks(new):
        query = select(columns.id, columns.account).where(columns.id.in_(chunk))
        for id_, key in connection.execute(query):
            book.accounts[id_].key = key


def _save_credit(connection: Connection, book: Book) -> None:
    """In mutual credit: write entries, and add to the book what they change above zero."""
    moved = [account for account in book.accounts.values() if account.entries]
    late = [account for account in moved if min(account.entries)[0] < account.last_at]
    later = _entries_after(connection, late) if late else {}
    for account in moved:
        known = later.get(account.key, [])
        # The balance just before the first new entry: whatever comes after that is walked again.
        opening = account.balance - sum(amount for _at, amount in known)
        merged = sorted([*known, *((at, amount) for at, _sequence, amount in account.entries)])
        _add_supply(book, account.pool, positive_changes(opening, merged), 1)
        _add_supply(book, account.pool, positive_changes(opening, known), -1)
    rows = [(account.key, *entry) for account in moved for entry in account.entries]
    put(connection, tables.entries, ENTRY, rows, key=ENTRY[:3])


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


def _add_supply(book: Book, pool: Pool, changes: dict[int, list[int]], sign: int) -> None:
    for day, (change, area) in changes.items():
        pool_day = book.day(pool, day)
        pool_day.supply += sign * change
        pool_day.area += sign * area


def _save_days(connection: Connection, book: Book, pools: dict[Pool, int]) -> None:
    of_accounts = [
        (pools[account.pool], day, account.key, part.change, part.paid, part.received, part.transfers)
        for account in book.accounts.values()
        for day, part in account.days.items()
    ]
    put(connection, tables.account_days, ACCOUNT_DAY, of_accounts, key=ACCOUNT_DAY[:3], add=ACCOUNT_DAY[3:])
    of_pools = [
        (pools[pool], day, it.issued, it.redeemed, it.supply, *split(it.area), it.transfers, it.volume)
        for (pool, day), it in book.days.items()
    ]
    put(connection, tables.pool_days, POOL_DAY, of_pools, key=POOL_DAY[:2], add=POOL_DAY[2:])
    amounts = [(pools[pool], day, amount, count) for (pool, day, amount), count in book.amounts.items()]
    put(connection, tables.amount_days, AMOUNT_DAY, amounts, key=AMOUNT_DAY[:3], add=AMOUNT_DAY[3:])


def _save_movements(connection: Connection, book: Book) -> None:
    """Write who gave what to whom, and up to which record each day has changed."""

    def key_of(account: str | None) -> int | None:
        return 0 if account is None else book.accounts[account].key

    rows = [
        (*each[:4], key_of(each.payer), key_of(each.payee), *each[6:8], int(each.paid))
        for each in book.movements
    ]
    put(connection, tables.movements, MOVEMENT, rows, key=MOVEMENT[:4])
    changed = {(each.currency, each.day): each.sequence for each in book.movements}
    days = [(*day, sequence) for day, sequence in changed.items()]
    put(connection, tables.changed_days, CHANGED_DAY, days, key=CHANGED_DAY[:2], replace=CHANGED_DAY[2:])
