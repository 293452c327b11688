"""The writer's store on PostgreSQL: one connection, sets of rows, and as few round trips as can be.

A small batch, the usual case, is a single statement: it takes one round trip and one commit, and everything
in it depends on the fence, so that a batch may be sent before the last one is confirmed: if that fails, so
does this. A large one, and one that opens or refuses something, is a transaction. What is decided of a large
one is sent ahead, in a pipeline: the server writes it while the rest is decided.
"""

import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from services.ledger.kernel.record import GENESIS, Record
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing, first_account
from services.ledger.writer import rows, statements
from services.ledger.writer.binary import (
    BinaryArray,
    BinaryArrayDumper,
    bigints,
    byteas,
    texts,
    uuids,
)
from services.ledger.writer.packing import pack
from services.ledger.writer.sending import Sending
from services.ledger.writer.store import (
    PIECE,
    Batch,
    BooksBroken,
    Changes,
    FenceMissed,
    Lines,
    Partition,
    StoreError,
)

TRANSACTION_SECONDS = 15.0
"""What has been written ahead is not committed later than this: callers were told by then."""

ADVISORY_CLASS = 0x4C444752
"""Distinguishes our advisory locks from anybody else's in the database."""

SETTINGS = (
    # A commit ends within these, one way or the other: a caller is told when a missing record is surely not
    # coming. The server does not count a transaction that is written ahead as idle (see TRANSACTION_SECONDS);
    # it notices by itself when the writer's machine is gone.
    "-c statement_timeout=15s -c idle_in_transaction_session_timeout=15s "
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=10s -c synchronous_commit=on -c timezone=UTC "
    "-c default_transaction_isolation=read\\ committed "
    # Each statement of ours finds rows by their keys, however many there are. It is planned once, perhaps
    # while a table is still empty, when a plan that reads all of it looks as good.
    "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off "
    "-c enable_mergejoin=off -c enable_material=off"
)
CONNECTION: dict[str, Any] = {
    "options": SETTINGS,
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "medtown-ledger-writer",
}

CONNECTION_ENDS = ("08", "57P")
"""How states (SQLSTATE) begin after which a connection is of no use, though it may still look open."""

COPIED = (
    rows.NOTES,
    rows.REFUSALS,
    rows.CURRENCIES,
    rows.ACCOUNTS,
    rows.OPENED_BALANCES,
)


class PostgresStore:
    """See `Store`. `url` is as libpq takes it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._backend: tuple[Any, ...] = (0, None)
        self._begun: _Begun | None = None
        self._sending: Sending | None = None
        self._hits: deque[int] = deque()
        """How many balances each batch that was sent changes."""

    def connect(self) -> None:
        self.close()
        with self._translated():
            self._connection = psycopg.connect(self._url, autocommit=True, **CONNECTION)
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
        return bool(
            self._query("SELECT pg_try_advisory_lock(%s::int, %s::int)", (ADVISORY_CLASS, partition))[0][0]
        )

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
        if self._begun is not None or not _is_small(batch) or _more_values(batch):
            return False
        values = _small_values(batch)
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

    def _send(self, batch: Batch) -> "_Begun":
        with self._translated():
            if self._begun is None:
                self._begun = _Begun(self._opened())
                self._begun.begin(batch)
            self._begun.send(batch)
            return self._begun

    def _write_small(self, batch: Batch) -> None:
        statement, values = statements.WRITE_TRANSFERS, _small_values(batch)
        if more := _more_values(batch):
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


class _Begun:
    """The transaction of a batch, begun while the batch is still being decided."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._since = time.monotonic()
        self._locked: psycopg.Cursor[Any] | None = None
        self._records = 0
        self._lines = 0
        self._changes = 0
        self._updates: list[tuple[psycopg.Cursor[Any], int]] = []
        self._transaction = ExitStack()
        self._pipeline = ExitStack()

    def begin(self, batch: Batch) -> None:
        self._transaction.enter_context(self._connection.transaction())
        self._pipeline.enter_context(self._connection.pipeline())
        self._locked = self._connection.execute(statements.STANDING + " FOR UPDATE", _fence_values(batch))

    @property
    def seconds(self) -> float:
        """For how long it has been going on."""
        return time.monotonic() - self._since

    def send(self, batch: Batch) -> None:
        """Have the server write what has been decided since, and do not wait for it."""
        records, lines = batch.records[self._records :], batch.lines.since(self._lines)
        self._records, self._lines = len(batch.records), len(batch.lines)
        if records:
            values = _fence_values(batch) | _record_values(records) | _line_values(lines)
            self._connection.execute(statements.WRITE_AHEAD, values)
        if not batch.accounts:
            self._send_balances(batch)

    def finish(self, batch: Batch) -> None:
        """Write what else follows from the batch. Raises FenceMissed and BooksBroken."""
        self._pipeline.close()
        if self._locked is None or self._locked.rowcount != 1:
            raise FenceMissed
        with self._connection.cursor() as cursor:
            for inserts in COPIED:
                _copy(cursor, inserts, batch)
        self._send_balances(batch)
        for update, expected in self._updates:
            if update.rowcount != expected:
                raise BooksBroken(f"{update.rowcount} of {expected} balances are there")
        _write_buckets(self._connection, batch)
        _write_altered(self._connection, batch)
        _write_things(self._connection, batch)
        if self._connection.execute(statements.FENCE, _fence_values(batch)).rowcount != 1:
            raise FenceMissed

    def _send_balances(self, batch: Batch) -> None:
        changed = batch.changes.plain(self._changes)
        self._changes = len(batch.changes)
        if changed:
            values = _fence_values(batch) | _changed_values(changed)
            update = self._connection.execute(statements.UPDATE_BALANCES, values)
            self._updates.append((update, len(changed)))

    def commit(self) -> None:
        self._transaction.close()

    def undo(self) -> bool:
        """Take everything back; False where only the end of the connection is sure to do so."""
        # psycopg tells of hardly anything that goes wrong here, so that its state has to be looked at.
        with suppress(Exception):
            self._pipeline.close()
            self._transaction.__exit__(psycopg.Rollback, psycopg.Rollback(), None)
        now = self._connection.info
        return (now.transaction_status, now.pipeline_status) == (TransactionStatus.IDLE, PipelineStatus.OFF)


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


def _fence_values(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "partition": batch.partition,
        "term": batch.term,
        "before": batch.before,
        "sequence": batch.sequence,
        "hash": batch.hash,
        "recorded_at": batch.recorded_at,
    }


def _small_values(batch: Batch) -> dict[str, Any]:
    changes = batch.changes.plain()
    return (
        _fence_values(batch)
        | _record_values(batch.records)
        | _line_values(batch.lines)
        | _changed_values(changes)
        | {"hits": len(changes)}
    )


def _record_values(records: Sequence[Record]) -> dict[str, Any]:
    first, last = records[0], records[-1]
    if last.sequence - first.sequence + 1 != len(records) or first.recorded_at != last.recorded_at:
        raise BooksBroken(f"records {first.sequence} to {last.sequence} are not {len(records)} of one time")
    return {
        "first": first.sequence,
        "at": first.recorded_at,
        "commands": uuids([record.command for record in records]),
        "headers": byteas([record.header for record in records]),
        "payloads": byteas([pack(record) for record in records]),
        "salts": byteas([record.salt for record in records]),
        "hashes": byteas([record.hash for record in records]),
    }


def _line_values(lines: Lines) -> dict[str, BinaryArray]:
    return {
        "line_accounts": bigints(lines.accounts),
        "line_sequences": bigints(lines.sequences),
        "line_amounts": bigints(lines.amounts),
        "line_balances": bigints(lines.balances),
        "line_totals": bigints(lines.totals),
        "line_buckets": texts(lines.buckets),
    }


def _changed_values(changes: Changes) -> dict[str, BinaryArray]:
    return {
        "accounts": bigints(changes.accounts),
        "balances": bigints(changes.balances),
        "totals": bigints(changes.totals),
    }


def _more_values(batch: Batch) -> dict[str, Any] | None:
    """What a small batch writes beside transfers of plain units; None for nothing."""
    notes = rows.NOTES.values(batch)
    held, emptied = (changes.rows() for changes in batch.changes.special())
    altered, remembered, forgotten = rows.altered(batch), rows.remembered(batch), rows.forgotten(batch)
    if not (notes or held or emptied or altered or remembered or forgotten):
        return None
    columns: dict[tuple[str, ...], Sequence[tuple[Any, ...]]] = {
        ("", "note_sequences", "note_salts", "memos", "cases"): notes,
        ("held_accounts", "held_balances", "", "held_buckets"): held,
        ("emptied_accounts", "", "", "emptied_buckets"): emptied,
        ("numbers", "floors", "ceilings", "territories", "categories", "terms"): altered,
        ("kinds", "ids", "owners", "dues", "bodies", ""): remembered,
        ("gone_kinds", "gone_ids"): forgotten,
    }
    values = {
        name: [row[position] for row in listed]
        for names, listed in columns.items()
        for position, name in enumerate(names)
        if name
    }
    return values | {"hits": len(batch.changes.plain()) + len(altered)}


def _copy(cursor: psycopg.Cursor[Any], inserts: rows.Inserts, batch: Batch) -> None:
    values = inserts.values(batch)
    if not values:
        return
    with cursor.copy(_copy_statement(inserts)) as copy:
        for row in values:
            copy.write_row(_with_uuids(row, inserts.ids) if inserts.ids else row)


def _copy_statement(inserts: rows.Inserts) -> str:
    return f"COPY {inserts.table} ({inserts.columns}) FROM STDIN (FORMAT BINARY)"


def _write_buckets(connection: psycopg.Connection[Any], batch: Batch) -> None:
    held, emptied = batch.changes.special()
    if held:
        connection.execute(statements.HOLD_BUCKETS, (held.accounts, held.balances, held.buckets))
    if emptied:
        connection.execute(statements.EMPTY_BUCKETS, (emptied.accounts, emptied.buckets))


def _write_altered(connection: psycopg.Connection[Any], batch: Batch) -> None:
    altered = rows.altered(batch)
    if altered:
        changed = connection.execute(statements.UPDATE_ACCOUNTS, _columns(altered)).rowcount
        if changed != len(altered):
            raise BooksBroken(f"{changed} of {len(altered)} accounts are there")


def _write_things(connection: psycopg.Connection[Any], batch: Batch) -> None:
    if remembered := rows.remembered(batch):
        connection.execute(statements.REMEMBER_THINGS, _columns(remembered))
    if forgotten := rows.forgotten(batch):
        connection.execute(statements.FORGET_THINGS, (*_columns(forgotten), batch.partition))


def _columns(listed: Iterable[Iterable[Any]]) -> list[list[Any]]:
    """Rows as arrays, one a column, for `unnest`."""
    return [list(column) for column in zip(*listed, strict=True)]


def _with_uuids(row: tuple[Any, ...], positions: tuple[int, ...]) -> list[Any]:
    values = list(row)
    for position in positions:
        if values[position] is not None:
            values[position] = UUID(values[position])
    return values


def _with_text(row: Sequence[Any], positions: tuple[int, ...]) -> list[Any]:
    values = list(row)
    for position in positions:
        if values[position] is not None:
            values[position] = str(values[position])
    return values
