"""The writer's store on PostgreSQL: one connection, COPY for what is many, one statement for what is few.

A small batch, the usual case when few people pay at once, is a single statement: it takes one round trip and
one commit, and everything in it depends on the fence. A large one, and one that opens or refuses something,
is a transaction of COPYs and set-wise updates.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from services.ledger.kernel.record import GENESIS
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing, first_account
from services.ledger.writer import rows
from services.ledger.writer.binary import (
    BinaryArray,
    BinaryArrayDumper,
    bigints,
    byteas,
    entry_rows,
    journal_rows,
    texts,
    uuids,
)
from services.ledger.writer.packing import pack
from services.ledger.writer.store import Batch, BooksBroken, Change, FenceMissed, Partition, StoreError

SMALL_BATCH = 64
"""Up to how many records one statement writes; beyond it, COPY is faster (measured)."""

ADVISORY_CLASS = 0x4C444752
"""Distinguishes our advisory locks from anybody else's in the database."""

SETTINGS = (
    # A commit ends within these, one way or the other: a caller is told when a missing record is surely not
    # coming.
    "-c statement_timeout=15s -c idle_in_transaction_session_timeout=15s "
    "-c synchronous_commit=on -c timezone=UTC "
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

FENCE = """
    UPDATE partitions SET last_sequence = %(sequence)s, last_hash = %(hash)s, last_batch = %(id)s,
        recorded_at = %(recorded_at)s
    WHERE id = %(partition)s AND term = %(term)s AND last_sequence = %(before)s AND NOT frozen
"""

# A column of empty texts, not the constant: with the constant, one plan reads the plain buckets of all
# accounts, and looks as good as any while there are few.
PLAIN_BUCKETS = "array_fill(''::text, ARRAY[cardinality(%(accounts)b::bigint[])])"

TRANSFERS = f"""
fence AS ({FENCE} RETURNING 1),
written AS (
    INSERT INTO journal (partition, sequence, recorded_at, command, header, payload, salt, hash)
    SELECT %(partition)s, * FROM unnest(
        %(sequences)b::bigint[], %(times)b::bigint[], %(commands)s::uuid[],
        %(headers)b::bytea[], %(payloads)b::bytea[], %(salts)b::bytea[], %(hashes)b::bytea[]
    ) WHERE EXISTS (SELECT FROM fence)
),
booked AS (
    INSERT INTO entries (account, sequence, amount, balance, total, bucket)
    SELECT * FROM unnest(
        %(line_accounts)b::bigint[], %(line_sequences)b::bigint[], %(line_amounts)b::bigint[],
        %(line_balances)b::bigint[], %(line_totals)b::bigint[], %(line_buckets)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
),
changed AS (
    UPDATE balances SET balance = new.balance, total = new.total
    FROM unnest(
        %(accounts)b::bigint[], %(balances)b::bigint[], %(totals)b::bigint[], {PLAIN_BUCKETS}
    ) new(account, balance, total, bucket)
    WHERE balances.account = new.account AND balances.bucket = new.bucket AND EXISTS (SELECT FROM fence)
    RETURNING 1
)
"""
MORE = f"""
noted AS (
    INSERT INTO notes (partition, sequence, salt, memo, case_reference)
    SELECT %(partition)s, * FROM unnest(
        %(note_sequences)b::bigint[], %(note_salts)b::bytea[], %(memos)b::text[], %(cases)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
),
held AS (
    INSERT INTO balances (account, balance, bucket)
    SELECT * FROM unnest(
        %(held_accounts)b::bigint[], %(held_balances)b::bigint[], %(held_buckets)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
    ON CONFLICT (account, bucket) DO UPDATE SET balance = excluded.balance
),
emptied AS (
    DELETE FROM balances
    USING unnest(%(emptied_accounts)b::bigint[], %(emptied_buckets)b::text[]) gone(account, bucket)
    WHERE balances.account = gone.account AND balances.bucket = gone.bucket AND EXISTS (SELECT FROM fence)
),
altered AS (
    UPDATE accounts SET floor = new.floor, ceiling = new.ceiling, territory = new.territory,
        category = new.category, terms = new.terms
    FROM unnest(
        %(numbers)b::bigint[], %(floors)b::bigint[], %(ceilings)b::bigint[], %(territories)b::text[],
        %(categories)b::text[], %(terms)b::text[]
    ) new(number, floor, ceiling, territory, category, terms)
    WHERE accounts.number = new.number AND EXISTS (SELECT FROM fence)
    RETURNING 1
),
remembered AS (
    INSERT INTO things ({rows.THING_COLUMNS}, partition)
    SELECT *, %(partition)s FROM unnest(
        %(kinds)b::text[], %(ids)b::text[], %(owners)b::text[], %(dues)b::bigint[], %(bodies)b::text[]
    ) WHERE EXISTS (SELECT FROM fence)
    ON CONFLICT (kind, id, partition) DO UPDATE
    SET owner = excluded.owner, due_at = excluded.due_at, body = excluded.body
),
forgotten AS (
    DELETE FROM things USING unnest(%(gone_kinds)b::text[], %(gone_ids)b::text[]) gone(kind, id)
    WHERE things.kind = gone.kind AND things.id = gone.id AND things.partition = %(partition)s
        AND EXISTS (SELECT FROM fence)
)
"""
OUTCOME = """
SELECT CASE
    WHEN moved.rows = 0 THEN 0
    WHEN hit.rows = %(hits)s THEN 1
    -- A row is missing: dividing by zero takes the whole statement back.
    ELSE 1 / (moved.rows - 1)
END
FROM (SELECT count(*) FROM fence) moved(rows)
"""
WRITE_TRANSFERS = f"WITH {TRANSFERS} {OUTCOME}, (SELECT count(*) FROM changed) hit(rows)"
WRITE_MORE = (
    f"WITH {TRANSFERS}, {MORE} {OUTCOME}, "
    "(SELECT (SELECT count(*) FROM changed) + (SELECT count(*) FROM altered)) hit(rows)"
)

UPDATE_BALANCES = f"""
    UPDATE balances SET balance = new.balance, total = new.total
    FROM unnest(%(accounts)b::bigint[], %(balances)b::bigint[], %(totals)b::bigint[], {PLAIN_BUCKETS})
        new(account, balance, total, bucket)
    WHERE balances.account = new.account AND balances.bucket = new.bucket
"""
HOLD_BUCKETS = """
    INSERT INTO balances (account, balance, bucket)
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::text[])
    ON CONFLICT (account, bucket) DO UPDATE SET balance = excluded.balance
"""
EMPTY_BUCKETS = """
    DELETE FROM balances USING unnest(%b::bigint[], %b::text[]) gone(account, bucket)
    WHERE balances.account = gone.account AND balances.bucket = gone.bucket
"""
UPDATE_ACCOUNTS = """
    UPDATE accounts SET floor = new.floor, ceiling = new.ceiling, territory = new.territory,
        category = new.category, terms = new.terms
    FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[])
        new(number, floor, ceiling, territory, category, terms)
    WHERE accounts.number = new.number
"""
REMEMBER_THINGS = f"""
    INSERT INTO things ({rows.THING_COLUMNS}, partition)
    SELECT * FROM unnest(
        %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::bigint[]
    )
    ON CONFLICT (kind, id, partition) DO UPDATE
    SET owner = excluded.owner, due_at = excluded.due_at, body = excluded.body
"""
FORGET_THINGS = """
    DELETE FROM things USING unnest(%b::text[], %b::text[]) gone(kind, id)
    WHERE things.kind = gone.kind AND things.id = gone.id AND things.partition = %b
"""

LOAD_ACCOUNTS = f"""
    SELECT bucket, balance, total, {rows.ACCOUNT_COLUMNS}
    FROM accounts JOIN balances ON balances.account = accounts.number WHERE accounts.id = ANY(%b::uuid[])
"""
LOAD_THINGS = f"""
    SELECT {rows.THING_COLUMNS} FROM things JOIN unnest(%s::text[], %s::text[]) asked(kind, id)
    USING (kind, id) WHERE partition = %s
"""

# The sum keeps the planner from taking the partition's index, which has all records of it.
LOAD_RECORDS = """
    SELECT j.command::text, j.header, j.payload, j.salt, j.hash, p.hash, n.salt, n.memo, n.case_reference
    FROM journal j LEFT JOIN journal p ON p.partition = j.partition AND p.sequence = j.sequence - 1
    LEFT JOIN notes n ON n.partition = j.partition AND n.sequence = j.sequence
    WHERE j.command = ANY(%b::uuid[]) AND j.partition + 0 = %s
"""
LOAD_REFUSALS = """
    SELECT command::text, principal, salt, content, slug, parameters, recorded_at FROM refusals
    WHERE command = ANY(%b::uuid[]) AND partition = %s
"""
COUNT_COMMANDS = """
    SELECT count(*) FROM (
        SELECT 1 FROM journal WHERE command = ANY(%(ids)b::uuid[]) AND partition + 0 = %(partition)s
        UNION ALL SELECT 1 FROM refusals WHERE command = ANY(%(ids)b::uuid[]) AND partition = %(partition)s
    ) known
"""

# A connection that broke may live on in the server, with its lock, until the network's time-outs end it.
END_FORMER_BACKEND = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = %s AND backend_start = %s AND pid <> pg_backend_pid()
"""
MY_BACKEND = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"

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

    def connect(self) -> None:
        self.close()
        with self._translated():
            self._connection = psycopg.connect(self._url, autocommit=True, **CONNECTION)
            # Integers have one width in our tables. COPY needs to know it, and a statement is prepared only
            # once.
            self._connection.adapters.register_dumper(int, Int8Dumper)
            self._connection.adapters.register_dumper(int, Int8BinaryDumper)
            self._connection.adapters.register_dumper(BinaryArray, BinaryArrayDumper)
            self._query(END_FORMER_BACKEND, self._backend)
            self._backend = self._query(MY_BACKEND, ())[0]

    def close(self) -> None:
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
        for bucket, balance, total, *row in self._query(LOAD_ACCOUNTS, (uuids(ids),)):
            number = row[0]
            if number not in found:
                found[number] = rows.account(_with_text(row, rows.ACCOUNT_IDS))
            balances.append((number, bucket, balance, total))
        rows.add_balances(found.values(), balances)
        return list(found.values())

    def load_commands(self, partition: int, ids: Collection[str]) -> list[Known]:
        listed = uuids(ids)
        # Nearly always nothing is known of them, which one round trip tells.
        if not self._query(COUNT_COMMANDS, {"ids": listed, "partition": partition})[0][0]:
            return []
        return [
            *(rows.record(*row) for row in self._query(LOAD_RECORDS, (listed, partition))),
            *(rows.stored_refusal(*row) for row in self._query(LOAD_REFUSALS, (listed, partition))),
        ]

    def load_things(self, partition: int, keys: Collection[Key]) -> dict[Key, Thing]:
        kinds, ids = [kind for kind, _ in keys], [id for _, id in keys]
        return dict(rows.thing(row) for row in self._query(LOAD_THINGS, (kinds, ids, partition)))

    def write(self, batch: Batch) -> None:
        if _is_small(batch):
            self._write_small(batch)
        else:
            self._write_large(batch)

    def _write_small(self, batch: Batch) -> None:
        statement, values = WRITE_TRANSFERS, _small_values(batch)
        if more := _more_values(batch):
            statement, values = WRITE_MORE, values | more
        with self._translated():
            try:
                written = self._opened().execute(statement, values).fetchall()
            except psycopg.errors.DivisionByZero as error:
                raise BooksBroken(f"not all of {values['hits']} rows are there") from error
        if written[0][0] != 1:
            raise FenceMissed

    def _write_large(self, batch: Batch) -> None:
        with self._transaction() as connection:
            if connection.execute(FENCE, _fence_values(batch)).rowcount != 1:
                raise FenceMissed
            with connection.cursor() as cursor:
                if batch.records:
                    _copy_pieces(cursor, rows.JOURNAL, journal_rows(batch))
                for inserts in COPIED:
                    _copy(cursor, inserts, batch)
                if batch.lines:
                    _copy_pieces(cursor, rows.ENTRIES, entry_rows(batch))
            _write_balances(connection, batch)
            _write_altered(connection, batch)
            _write_things(connection, batch)

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
            lost = self._connection is None or self._connection.closed
            raise StoreError(error, connection_lost=lost) from error

    def _opened(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            raise psycopg.OperationalError("not connected")
        return self._connection


def _is_small(batch: Batch) -> bool:
    """Whether a batch is a few records that open nothing, and no refusals."""
    return 0 < len(batch.records) <= SMALL_BATCH and not (
        batch.accounts or batch.currencies or batch.refusals or len(batch.things) > SMALL_BATCH
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
    records, lines, changes = batch.records, batch.lines, rows.updated(batch)
    return _fence_values(batch) | {
        "sequences": bigints([record.sequence for record in records]),
        "times": bigints([record.recorded_at for record in records]),
        "commands": uuids([record.command for record in records]),
        "headers": byteas([record.header for record in records]),
        "payloads": byteas([pack(record) for record in records]),
        "salts": byteas([record.salt for record in records]),
        "hashes": byteas([record.hash for record in records]),
        "line_accounts": bigints([line.account for line in lines]),
        "line_sequences": bigints([line.sequence for line in lines]),
        "line_amounts": bigints([line.amount for line in lines]),
        "line_balances": bigints([line.balance for line in lines]),
        "line_totals": bigints([line.total for line in lines]),
        "line_buckets": texts([line.bucket for line in lines]),
        **_changed_values(changes),
        "hits": len(changes),
    }


def _changed_values(changes: Sequence[Change]) -> dict[str, BinaryArray]:
    return {
        "accounts": bigints([change.account for change in changes]),
        "balances": bigints([change.balance for change in changes]),
        "totals": bigints([change.total for change in changes]),
    }


def _more_values(batch: Batch) -> dict[str, Any] | None:
    """What a small batch writes beside transfers of plain units; None for nothing."""
    notes = rows.NOTES.values(batch)
    held, emptied = rows.special(batch)
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
    return values | {"hits": len(rows.updated(batch)) + len(altered)}


def _copy(cursor: psycopg.Cursor[Any], inserts: rows.Inserts, batch: Batch) -> None:
    values = inserts.values(batch)
    if not values:
        return
    with cursor.copy(_copy_statement(inserts)) as copy:
        for row in values:
            copy.write_row(_with_uuids(row, inserts.ids) if inserts.ids else row)


def _copy_pieces(cursor: psycopg.Cursor[Any], inserts: rows.Inserts, pieces: Iterable[bytes]) -> None:
    with cursor.copy(_copy_statement(inserts)) as copy:
        for piece in pieces:
            copy.write(piece)


def _copy_statement(inserts: rows.Inserts) -> str:
    return f"COPY {inserts.table} ({inserts.columns}) FROM STDIN (FORMAT BINARY)"


def _write_balances(connection: psycopg.Connection[Any], batch: Batch) -> None:
    updated = rows.updated(batch)
    if updated:
        changed = connection.execute(UPDATE_BALANCES, _changed_values(updated)).rowcount
        if changed != len(updated):
            raise BooksBroken(f"{changed} of {len(updated)} balances are there")
    held, emptied = rows.special(batch)
    if held:
        accounts, balances, _, buckets = _columns(held)
        connection.execute(HOLD_BUCKETS, (accounts, balances, buckets))
    if emptied:
        accounts, _, _, buckets = _columns(emptied)
        connection.execute(EMPTY_BUCKETS, (accounts, buckets))


def _write_altered(connection: psycopg.Connection[Any], batch: Batch) -> None:
    altered = rows.altered(batch)
    if altered:
        changed = connection.execute(UPDATE_ACCOUNTS, _columns(altered)).rowcount
        if changed != len(altered):
            raise BooksBroken(f"{changed} of {len(altered)} accounts are there")


def _write_things(connection: psycopg.Connection[Any], batch: Batch) -> None:
    if remembered := rows.remembered(batch):
        connection.execute(REMEMBER_THINGS, _columns(remembered))
    if forgotten := rows.forgotten(batch):
        connection.execute(FORGET_THINGS, (*_columns(forgotten), batch.partition))


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
