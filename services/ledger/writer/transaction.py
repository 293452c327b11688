"""The transaction in which PostgreSQL writes a large batch, and one that opens or refuses something."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus

from services.ledger.writer import rows, statements
from services.ledger.writer.parameters import changed_values, fence_values, line_values, record_values
from services.ledger.writer.store import Batch, BooksBroken, FenceMissed
from shared.contracts import clock

COPIED = (
    rows.NOTES,
    rows.REFUSALS,
    rows.CURRENCIES,
    rows.ACCOUNTS,
    rows.OPENED_BALANCES,
)


class Transaction:
    """The transaction of a batch, begun while the batch is still being decided."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._since = clock.elapsed()
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
        self._locked = self._connection.execute(statements.STANDING + " FOR UPDATE", fence_values(batch))

    @property
    def seconds(self) -> float:
        """For how long it has been going on."""
        return clock.elapsed() - self._since

    def send(self, batch: Batch) -> None:
        """Have the server write what has been decided since, and do not wait for it."""
        records, lines = batch.records[self._records :], batch.lines.since(self._lines)
        self._records, self._lines = len(batch.records), len(batch.lines)
        if records:
            values = fence_values(batch) | record_values(records) | line_values(lines)
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
        if self._connection.execute(statements.FENCE, fence_values(batch)).rowcount != 1:
            raise FenceMissed

    def _send_balances(self, batch: Batch) -> None:
        changed = batch.changes.plain(self._changes)
        self._changes = len(batch.changes)
        if changed:
            values = fence_values(batch) | changed_values(changed)
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
