"""The writer's store on PostgreSQL: one connection, sets of rows, and as few round trips as can be.

A small batch, the usual case, is a single statement: it takes one round trip and one commit, and everything
in it depends on the fence, so that a batch may be sent before the last one is confirmed: if that fails, so
does this. A large one, and one that opens or refuses something, is a transaction. What is decided of a large
one is sent ahead, in a pipeline: the server writes it while the rest is decided.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from services.ledger.kernel.record import GENESIS
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing, first_account
from services.ledger.writer import rows, statements
from services.ledger.writer.binary import BinaryArray, BinaryArrayDumper, uuids
from services.ledger.writer.parameters import more_values, small_values
from services.ledger.writer.sending import Sending
from services.ledger.writer.store import (
    PIECE,
    TRANSACTION_SECONDS,
    Batch,
    BooksBroken,
    FenceMissed,
    Partition,
    StoreError,
)
from services.ledger.writer.transaction import Transaction

SILENT_SECONDS = 10.0
"""After how long without a sign of the writer the server ends its session, so that another one can lead: a
process that stands still keeps its connection.
"""

ADVISORY_CLASS = 0x4C444752
"""Distinguishes our advisory locks from anybody else's in the database."""

SETTINGS = (
    # A commit ends within these and SILENT_SECONDS, one way or the other: a caller is told when a missing
    # record is surely not coming. The server does not count a transaction that is written ahead as idle (see
    # TRANSACTION_SECONDS); it notices by itself when the writer's machine is gone.
    "-c statement_timeout=15s "
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=10s -c synchronous_commit=on -c timezone=UTC "
    "-c default_transaction_isolation=read\\ committed "
    # Each statement of ours finds rows by their keys, however many there are. It is planned once, perhaps
    # while a table is still empty, when a plan that reads all of it looks as good.
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off "
    "-c enable_mergejoin=off -c enable_material=off"
)
CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "medtown-ledger-writer",
}

CONNECTION_ENDS = ("08", "57P", "25P03")
"""How states (SQLSTATE) begin after which a connection is of no use, though it may still look open."""


class PostgresStore:
    """See `Store`. `url` is as libpq takes it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._backend: tuple[Any, ...] = (0, None)
        self._begun: Transaction | None = None
        self._sending: Sending | None = None
        self._hits: deque[int] = deque()
        """How many balances each batch that was sent changes."""

    def connect(self) -> None:
        self.close()
        with self._translated():
            self._connection = psycopg.connect(self._url, autocommit=True, options=_options(), **CONNECTION)
            # Integers have one width in our tables. COPY needs to know it, and a statement is prepared only
            # once.
            self._connection.adapters.register_dumper(int, Int8Dumper)
            self._connection.adapters.register_dumper(int, Int8BinaryDumper)
            self._connection.adapters.register_dumper(BinaryArray, BinaryArrayDumper)
            self._sending = Sending(self._connection, statements.WRITE_TRANSFERS)
            self._query(statements.END_FORMER_BACKEND, self._backend)
            self._backend = self._query(statements.MY_BACKEND, ())[0]

    def close(self) -> None:
        self._hits.clear()
        self._sending = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def try_lead(self, partition: int) -> bool:
        lock = (ADVISORY_CLASS, partition)
        if self._query("SELECT pg_try_advisory_lock(%s::int, %s::int)", lock)[0][0]:
            return True
        # The server does not end a session that stopped in the middle of what it writes ahead.
        self._query(statements.END_SILENT_LEADER, (*lock, SILENT_SECONDS))
        return False

    def read_partition(self, partition: int) -> Partition | None:
        # FOR UPDATE waits for a transaction of a lost connection that may still be committing.
        query = f"SELECT {rows.PARTITION_COLUMNS} FROM partitions WHERE id = %s FOR UPDATE"
        found = self._query(query, (partition,))
        return rows.partition(found[0]) if found else None

    def take_over(self, partition: int, timeline: str) -> Partition:
        with self._transaction() as connection:
            connection.execute(
                f"INSERT INTO partitions ({rows.PARTITION_COLUMNS}) VALUES (%s, %s, 0, 0, %s, '', 0, FALSE) "
                "ON CONFLICT (id) DO NOTHING",
                (partition, timeline, GENESIS),
            )
            row = connection.execute(
                f"UPDATE partitions SET term = term + 1 WHERE id = %s RETURNING {rows.PARTITION_COLUMNS}",
                (partition,),
            ).fetchone()
        assert row is not None
        return rows.partition(row)

    def next_account(self, partition: int) -> int:
        first, beyond = first_account(partition), first_account(partition + 1)
        query = "SELECT max(number) FROM accounts WHERE number >= %s AND number < %s"
        highest = self._query(query, (first, beyond))[0][0]
        return first if highest is None else int(highest) + 1

    def load_currencies(self, codes: Collection[str]) -> list[Currency]:
        query = f"SELECT {rows.CURRENCY_COLUMNS} FROM currencies WHERE code = ANY(%s)"
        return [
            rows.currency(_with_text(row, rows.CURRENCY_IDS)) for row in self._query(query, (list(codes),))
        ]

    def load_accounts(self, ids: Collection[str]) -> list[Account]:
        found: dict[int, Account] = {}
        balances: list[tuple[int, str, int, int | None]] = []
        for bucket, balance, total, *row in self._query(statements.LOAD_ACCOUNTS, (uuids(ids),)):
            number = row[0]
            if number not in found:
                found[number] = rows.account(_with_text(row, rows.ACCOUNT_IDS))
            balances.append((number, bucket, balance, total))
        rows.add_balances(found.values(), balances)
        return list(found.values())

    def load_commands(self, partition: int, ids: Collection[str]) -> list[Known]:
        listed = uuids(ids)
        asked = (listed, partition)
        # Nearly always nothing is known of them, which one round trip tells.
        if not self._query(statements.COUNT_COMMANDS, {"ids": listed, "partition": partition})[0][0]:
            return []
        return [
            *(rows.record(*row) for row in self._query(statements.LOAD_RECORDS, asked)),
            *(rows.stored_refusal(*row) for row in self._query(statements.LOAD_REFUSALS, asked)),
        ]

    def load_recent(self, partition: int, since: str, until: str, limit: int) -> list[str]:
        asked = {"since": since, "until": until, "partition": partition, "limit": limit}
        return [str(command) for (command,) in self._query(statements.LOAD_RECENT, asked)]

    def load_things(self, partition: int, keys: Collection[Key]) -> dict[Key, Thing]:
        kinds, ids = [kind for kind, _ in keys], [id for _, id in keys]
        return dict(rows.thing(row) for row in self._query(statements.LOAD_THINGS, (kinds, ids, partition)))

    @contextmanager
    def writing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._undo()

    def ahead(self, batch: Batch) -> None:
        if batch.records:
            self._send(batch)

    def write(self, batch: Batch) -> None:
        if self._begun is None and _is_small(batch):
            self._write_small(batch)
            return
        with self.writing(), self._translated():
            begun = self._send(batch)
            begun.finish(batch)
            if begun.seconds > TRANSACTION_SECONDS:
                raise psycopg.OperationalError(f"the batch took {begun.seconds:.0f} s to write")
            self._begun = None
            begun.commit()

    def send(self, batch: Batch) -> bool:
        if self._begun is not None or not _is_small(batch) or more_values(batch):
            return False
        values = small_values(batch)
        with self._translated():
            if self._sending is None:
                raise psycopg.OperationalError("not connected")
            self._sending.send(values)
        self._hits.append(values["hits"])
        return True

    def confirm(self) -> None:
        assert self._sending is not None
        with self._translated(), _missing(self._hits.popleft()):
            _check_written(self._sending.receive())

    def forget(self) -> None:
        self._hits.clear()
        if self._sending is not None:
            with self._translated():
                self._sending.forget()

    def show_life(self) -> None:
        self._query("SELECT 1", ())

    def _send(self, batch: Batch) -> Transaction:
        with self._translated():
            if self._begun is None:
                self._begun = Transaction(self._opened())
                self._begun.begin(batch)
            self._begun.send(batch)
            return self._begun

    def _write_small(self, batch: Batch) -> None:
        statement, values = statements.WRITE_TRANSFERS, small_values(batch)
        if more := more_values(batch):
            statement, values = statements.WRITE_MORE, values | more
        with self._translated(), _missing(values["hits"]):
            _check_written(self._opened().execute(statement, values).fetchall()[0][0])

    def _undo(self) -> None:
        """Take back what has been written ahead and not been committed."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        if not begun.undo():
            # A transaction is undone with its connection too, and what comes next connects again.
            self.close()
        elif self._sending is not None:
            self._sending.prepare_anew()

    def _query(self, query: str, values: Any) -> list[tuple[Any, ...]]:
        with self._translated():
            return self._opened().execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        with self._translated():
            connection = self._opened()
            with connection.transaction():
                yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            ended = (error.sqlstate or "").startswith(CONNECTION_ENDS)
            lost = ended or self._connection is None or self._connection.closed
            raise StoreError(error, connection_lost=lost) from error

    def _opened(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection, once nothing else is going on over it."""
        if self._connection is None or self._sending is None:
            raise psycopg.OperationalError("not connected")
        self._sending.settle()
        return self._connection


def _options() -> str:
    silent = f"{SILENT_SECONDS * 1000:.0f}ms"
    return f"{SETTINGS} -c idle_session_timeout={silent} -c idle_in_transaction_session_timeout={silent}"


@contextmanager
def _missing(hits: int) -> Iterator[None]:
    """The statement of a small batch divides by zero where a row is missing."""
    try:
        yield
    except psycopg.errors.DivisionByZero as error:
        raise BooksBroken(f"not all of {hits} rows are there") from error


def _check_written(outcome: int) -> None:
    if outcome != 1:
        raise FenceMissed


def _is_small(batch: Batch) -> bool:
    """Whether a batch is a few records that open nothing, and no refusals."""
    return 0 < len(batch.records) <= PIECE and not (
        batch.accounts or batch.currencies or batch.refusals or len(batch.things) > PIECE
    )


def _with_text(row: Sequence[Any], positions: tuple[int, ...]) -> list[Any]:
    values = list(row)
    for position in positions:
        if values[position] is not None:
            values[position] = str(values[position])
    return values
