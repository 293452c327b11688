"""The writer's store on SQLite: one connection, `BEGIN IMMEDIATE` first, durable once committed."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from services.ledger.columns import to_bytes, to_text
from services.ledger.kernel.record import GENESIS
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing, first_account
from services.ledger.writer import rows
from services.ledger.writer.store import (
    TRANSACTION_SECONDS,
    Batch,
    BooksBroken,
    FenceMissed,
    Partition,
    StoreError,
)
from shared.contracts import clock
from shared.db.engine import BUSY_TIMEOUT_SECONDS

PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-65536"),
    # So that nothing replaces a row of the journal: see `shared/db/engine.py`.
    "recursive_triggers=ON",
)
INSERTED = (
    rows.JOURNAL,
    rows.NOTES,
    rows.REFUSALS,
    rows.CURRENCIES,
    rows.ACCOUNTS,
    rows.OPENED_BALANCES,
    rows.ENTRIES,
)
MAX_VARIABLES = 30_000
"""SQLite takes at most 32,766 values in a statement."""


class SqliteStore:
    """See `Store`. Leading is nobody's but the process's own: the data folder is locked by its owner."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def connect(self) -> None:
        self.close()
        with _translated():
            if not Path(self._path).exists():
                raise sqlite3.OperationalError(f"no database at {self._path}; run the migrations first")
            # The writer's thread is not the one that stops it; they never use the connection at once.
            connection = sqlite3.connect(
                self._path, BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            self._connection = connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def try_lead(self, partition: int) -> bool:
        return True

    def read_partition(self, partition: int) -> Partition | None:
        query = f"SELECT {rows.PARTITION_COLUMNS} FROM partitions WHERE id = ?"
        found = self._query(query, (partition,))
        return rows.partition(found[0]) if found else None

    def take_over(self, partition: int, timeline: str) -> Partition:
        with self._transaction() as connection:
            connection.execute(
                f"INSERT INTO partitions ({rows.PARTITION_COLUMNS}) VALUES (?, ?, 0, 0, ?, '', 0, FALSE) "
                "ON CONFLICT (id) DO NOTHING",
                (partition, timeline, GENESIS),
            )
            connection.execute("UPDATE partitions SET term = term + 1 WHERE id = ?", (partition,))
        taken = self.read_partition(partition)
        assert taken is not None
        return taken

    def next_account(self, partition: int) -> int:
        first, beyond = first_account(partition), first_account(partition + 1)
        query = "SELECT max(number) FROM accounts WHERE number >= ? AND number < ?"
        highest = self._query(query, (first, beyond))[0][0]
        return first if highest is None else int(highest) + 1

    def load_currencies(self, codes: Collection[str]) -> list[Currency]:
        query = f"SELECT {rows.CURRENCY_COLUMNS} FROM currencies WHERE code IN ({{}})"
        return [rows.currency(_with_ids(row, *rows.CURRENCY_IDS)) for row in self._query_of(query, codes)]

    def load_accounts(self, ids: Collection[str]) -> list[Account]:
        query = f"SELECT {rows.ACCOUNT_COLUMNS} FROM accounts WHERE id IN ({{}})"
        found = self._query_of(query, map(to_bytes, ids))
        accounts = [rows.account(_with_ids(row, *rows.ACCOUNT_IDS)) for row in found]
        query = "SELECT account, bucket, balance, total FROM balances WHERE account IN ({})"
        rows.add_balances(accounts, self._query_of(query, (account.number for account in accounts)))
        return accounts

    def load_commands(self, partition: int, ids: Collection[str]) -> list[Known]:
        raw = [to_bytes(id) for id in ids]
        records = self._query_of(
            "SELECT j.command, j.header, j.payload, j.salt, j.hash, p.hash, n.salt, n.memo, n.case_reference "
            "FROM journal j LEFT JOIN journal p ON p.partition = j.partition AND p.sequence = j.sequence - 1 "
            "LEFT JOIN notes n ON n.partition = j.partition AND n.sequence = j.sequence "
            "WHERE j.command IN ({}) AND j.partition = ?",
            raw,
            partition,
        )
        refusals = self._query_of(
            "SELECT command, principal, salt, content, slug, parameters, recorded_at FROM refusals "
            "WHERE command IN ({}) AND partition = ?",
            raw,
            partition,
        )
        return [
            *(rows.record(*_with_ids(row, 0)) for row in records),
            *(rows.stored_refusal(*_with_ids(row, 0)) for row in refusals),
        ]

    def load_recent(self, partition: int, since: str, until: str, limit: int) -> list[str]:
        between = (to_bytes(since), to_bytes(until), partition)
        found: list[tuple[bytes]] = []
        for table in ("journal", "refusals"):
            # The sign keeps it from the partition's index, by which it would read all records.
            query = f"SELECT command FROM {table} WHERE command >= ? AND command < ? AND +partition = ?"
            found += self._query(f"{query} ORDER BY command DESC LIMIT ?", (*between, limit))
        return [to_text(raw) for (raw,) in sorted(found)[-limit:]]

    def load_things(self, partition: int, keys: Collection[Key]) -> dict[Key, Thing]:
        by_kind: dict[str, list[str]] = {}
        for kind, id in keys:
            by_kind.setdefault(kind, []).append(id)
        query = f"SELECT {rows.THING_COLUMNS} FROM things WHERE id IN ({{}}) AND kind = ? AND partition = ?"
        return dict(
            rows.thing(row)
            for kind, ids in by_kind.items()
            for row in self._query_of(query, ids, kind, partition)
        )

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def ahead(self, batch: Batch) -> None:
        """There is no server that could work meanwhile."""

    def send(self, batch: Batch) -> bool:
        """There is nobody to send it to."""
        return False

    def confirm(self) -> None:
        """Nothing is ever sent."""

    def show_life(self) -> None:
        """Nobody asks: the lock of a file ends with its process."""

    def forget(self) -> None:
        """Nothing is ever sent."""

    def write(self, batch: Batch) -> None:
        since = clock.elapsed()
        with self._transaction() as connection:
            moved = connection.execute(
                "UPDATE partitions SET last_sequence = ?, last_hash = ?, last_batch = ?, recorded_at = ? "
                "WHERE id = ? AND term = ? AND last_sequence = ? AND NOT frozen",
                (
                    *(batch.sequence, batch.hash, batch.id, batch.recorded_at),
                    *(batch.partition, batch.term, batch.before),
                ),
            )
            if moved.rowcount != 1:
                raise FenceMissed
            for inserts in INSERTED:
                _insert(connection, inserts, batch)
            _write_balances(connection, batch)
            _write_altered(connection, batch)
            _write_things(connection, batch)
            # To begin may have waited for another process, and this one may have been stopped.
            if (seconds := clock.elapsed() - since) > TRANSACTION_SECONDS:
                raise sqlite3.OperationalError(f"the batch took {seconds:.0f} s to write")

    def _query(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with _translated():
            return self._opened().execute(query, values).fetchall()

    def _query_of(self, query: str, values: Iterable[Any], *rest: Any) -> list[tuple[Any, ...]]:
        """The rows for any of many values, whose marks stand first in the query, as many of them at a time as
        a statement takes.
        """
        listed = tuple(values)
        found = []
        for start in range(0, len(listed), MAX_VARIABLES):
            chunk = listed[start : start + MAX_VARIABLES]
            found += self._query(query.format(_marks(chunk)), (*chunk, *rest))
        return found

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _translated():
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("not connected")
        return self._connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(error, connection_lost=False) from error


def _write_balances(connection: sqlite3.Connection, batch: Batch) -> None:
    changes = batch.changes.plain()
    changed = connection.executemany(
        "UPDATE balances SET balance = ?2, total = ?3 WHERE account = ?1 AND bucket = ?4", changes.rows()
    )
    if changes and changed.rowcount != len(changes):
        raise BooksBroken(f"{changed.rowcount} of {len(changes)} balances are there")
    held, emptied = batch.changes.special()
    connection.executemany(
        "INSERT INTO balances (account, balance, total, bucket) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, bucket) DO UPDATE SET balance = excluded.balance",
        held.rows(),
    )
    connection.executemany(
        "DELETE FROM balances WHERE account = ? AND bucket = ?",
        zip(emptied.accounts, emptied.buckets, strict=True),
    )


def _write_altered(connection: sqlite3.Connection, batch: Batch) -> None:
    altered = rows.altered(batch)
    changed = connection.executemany(
        "UPDATE accounts SET floor = ?2, ceiling = ?3, territory = ?4, category = ?5, terms = ?6 "
        "WHERE number = ?1",
        altered,
    )
    if altered and changed.rowcount != len(altered):
        raise BooksBroken(f"{changed.rowcount} of {len(altered)} accounts are there")


def _write_things(connection: sqlite3.Connection, batch: Batch) -> None:
    connection.executemany(
        f"INSERT INTO things ({rows.THING_COLUMNS}, partition) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (kind, id, partition) DO UPDATE "
        "SET owner = excluded.owner, due_at = excluded.due_at, body = excluded.body",
        rows.remembered(batch),
    )
    connection.executemany(
        "DELETE FROM things WHERE kind = ? AND id = ? AND partition = ?",
        [(*key, batch.partition) for key in rows.forgotten(batch)],
    )


def _insert(connection: sqlite3.Connection, inserts: rows.Inserts, batch: Batch) -> None:
    values = inserts.values(batch)
    if not values:
        return
    if inserts.ids:
        values = [tuple(_converted(row, inserts.ids, to_bytes)) for row in values]
    marks = _marks(values[0])
    connection.executemany(f"INSERT INTO {inserts.table} ({inserts.columns}) VALUES ({marks})", values)


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))


def _with_ids(row: tuple[Any, ...], *positions: int) -> list[Any]:
    return _converted(row, positions, to_text)


def _converted(row: tuple[Any, ...], positions: tuple[int, ...], convert: Callable[[Any], Any]) -> list[Any]:
    values = list(row)
    for position in positions:
        if values[position] is not None:
            values[position] = convert(values[position])
    return values
