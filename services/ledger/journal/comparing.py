"""The ledger's tables, row by row, held against the books that the journal leads to."""

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any

import msgspec
from sqlalchemy import Connection, Integer, Select, and_, exists, func, select, type_coerce
from sqlalchemy.exc import DBAPIError

from services.ledger.journal.recomputing import Books, Remembered, beside
from services.ledger.journal.report import Fault
from services.ledger.kernel.access import ID_MAX_AGE_US, ID_MAX_AHEAD_US
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import canonical
from services.ledger.kernel.state import first_account
from services.ledger.tables import (
    HASH_BYTES,
    accounts,
    balances,
    currencies,
    journal,
    notes,
    partitions,
    refusals,
    things,
)
from services.ledger.writer import rows
from shared.contracts import ids
from shared.contracts.errors import PROBLEMS

PAGE = 1000

_SQLITE_CORRUPTION = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_POSTGRESQL_CORRUPTION = ("XX001", "XX002")


def check_tables(connection: Connection, books: Books) -> None:
    """Whether every table says what the books say. Raises Fault."""
    _read_tables_themselves(connection)
    _check_commands(connection, books)
    _check_partition(connection, books)
    _check_currencies(connection, books)
    _check_accounts(connection, books)
    _check_balances(connection, books)
    _check_things(connection, books)
    _check_notes(connection, books)
    _check_refusals(connection, books)


def stream(connection: Connection, query: Select[Any], what: str) -> Generator[Any, None, None]:
    """The rows of a query, a page at a time. Raises Fault where the database has lost one."""
    try:
        # A fault ends reading in the middle; the database must hear of it.
        with closing(connection.execute(query, execution_options={"yield_per": PAGE})) as found:
            yield from found
    except DBAPIError as error:
        if not is_corruption(error):
            raise
        raise Fault(f"the table of {what} cannot be read: {error.orig}") from error
    except (ValueError, TypeError) as error:
        raise Fault(f"a row of the table of {what} cannot be read: {error}") from error


def of_partition(query: Select[Any], number: Any, partition: int) -> Select[Any]:
    """The query with the accounts of a partition alone."""
    return query.where(number >= first_account(partition), number < first_account(partition + 1))


def is_corruption(error: DBAPIError) -> bool:
    """Whether the database says that its files are damaged."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_CORRUPTION
    return getattr(error.orig, "sqlstate", None) in _POSTGRESQL_CORRUPTION


def _read_tables_themselves(connection: Connection) -> None:
    """For the rest of the transaction: PostgreSQL must not answer from an index what is asked of the rows. It
    would not see those that the index has lost.
    """
    if connection.dialect.name == "postgresql":
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")


def _check_commands(connection: Connection, books: Books) -> None:
    """No command has two records, and there are no more than the chain has led to."""
    mine = journal.c.partition == books.partition
    twice: Select[Any] = select(journal.c.command).where(mine).group_by(journal.c.command)
    for row in stream(connection, twice.having(func.count() > 1).limit(1), "records"):
        raise Fault(f"the command {row.command} has more than one record")
    for (count,) in stream(connection, select(func.count()).select_from(journal).where(mine), "records"):
        if count != books.sequence:
            raise Fault(f"the table of records has {count} of them, of which {books.sequence} can be found")


def _check_partition(connection: Connection, books: Books) -> None:
    query = select(partitions).where(partitions.c.id == books.partition)
    for row in stream(connection, query, "partitions"):
        stated = (row.last_sequence, bytes(row.last_hash), row.recorded_at)
        if stated != (books.sequence, books.hash, books.recorded_at):
            raise Fault(
                f"the journal ends with record {books.sequence}; the row of partition {books.partition} "
                f"says {row.last_sequence}, or another hash or time"
            )
        if books.timeline not in (None, row.timeline):
            raise Fault(f"the row of partition {books.partition} says another timeline than the journal")
        return
    if books.sequence:
        raise Fault(f"partition {books.partition} has records but no row of its own")


def _check_currencies(connection: Connection, books: Books) -> None:
    columns = [currencies.c[name] for name in _names(rows.CURRENCY_COLUMNS)]
    # What is neither true nor false must not pass for one of them.
    exact = [type_coerce(c, Integer).label(c.name) if c.name == "simulated" else c for c in columns]
    query: Select[Any] = select(*exact).where(currencies.c.partition == books.partition)
    missing = set(books.currencies)
    for row in stream(connection, query, "currencies"):
        fields = books.currencies.get(row.code)
        if fields is None:
            raise Fault(f"currency {row.code} stands in its table, but no record creates it")
        expected = fields | {"names": rows.json_text(fields["names"]), "partition": books.partition}
        _compare(f"currency {row.code}", row._mapping, expected)
        missing.discard(row.code)
    if missing:
        raise Fault(f"currency {min(missing)} is missing from its table")


def _check_accounts(connection: Connection, books: Books) -> None:
    columns = [accounts.c[name] for name in _names(rows.ACCOUNT_COLUMNS)]
    query: Select[Any] = of_partition(select(*columns), accounts.c.number, books.partition)
    seen = 0
    for row in stream(connection, query, "accounts"):
        account = books.accounts.get(row.id)
        if account is None:
            raise Fault(f"account {row.id} stands in its table, but no record opens it")
        fields = account.fields
        expected = fields | {"number": account.number, "opened_at": account.opened_at}
        _compare(f"account {row.id}", row._mapping, expected | {"terms": rows.json_text(fields["terms"])})
        seen += 1
    if seen != len(books.accounts):
        raise Fault(f"{len(books.accounts) - seen} accounts are missing from their table")


def _compare(whose: str, row: Mapping[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if row[name] != value:
            raise Fault(f"the {name} of {whose} is {row[name]!r}; the journal leads to {value!r}")


def _check_balances(connection: Connection, books: Books) -> None:
    held = {
        (account.number, bucket): (id, balance, beside(account.total, balance) if bucket == PLAIN else None)
        for id, account in books.accounts.items()
        for bucket, balance in account.buckets.items()
    }
    query = of_partition(select(balances), balances.c.account, books.partition)
    for row in stream(connection, query, "balances"):
        key = (row.account, row.bucket)
        if key not in held:
            raise Fault(
                f"the balance of account number {row.account} in {row.bucket!r} is {row.balance}; the "
                "journal leads to none"
            )
        id, balance, total = held.pop(key)
        if row.balance != balance:
            raise Fault(f"the balance of account {id} is {row.balance}; the journal leads to {balance}")
        if row.total != total:
            raise Fault(f"the total of account {id} is {row.total}; the journal leads to {total}")
    for id, balance, _ in held.values():
        raise Fault(f"the balance of account {id} is missing; the journal leads to {balance}")


def _check_things(connection: Connection, books: Books) -> None:
    query = select(things.c.kind, things.c.id, things.c.owner, things.c.due_at, things.c.body)
    missing = dict(books.things)
    for kind, id, *stored in stream(connection, query.where(things.c.partition == books.partition), "things"):
        expected = missing.pop((kind, id), None)
        if expected is None:
            raise Fault(f"the thing {kind} {id} stands in its table, but no record sets it")
        if Remembered(*stored) != expected:
            raise Fault(f"the thing {kind} {id} is not what the last record that sets it says")
    for kind, id in missing:
        raise Fault(f"the thing {kind} {id} is missing from its table")


def _check_notes(connection: Connection, books: Books) -> None:
    """That notes are those which their records commit to has been seen with the records."""
    record = exists().where(journal.c.partition == notes.c.partition, journal.c.sequence == notes.c.sequence)
    query = select(notes.c.partition, notes.c.sequence).where(~record).limit(1)
    for row in stream(connection, query, "notes"):
        raise Fault(
            f"there is a note of record {row.sequence} of partition {row.partition}, which does not exist"
        )


def _check_refusals(connection: Connection, books: Books) -> None:
    """Nothing proves a refusal; it must be one that can have been given."""
    both = and_(journal.c.command == refusals.c.command, journal.c.partition == refusals.c.partition)
    query: Select[Any] = select(journal.c.command).join_from(journal, refusals, both)
    for row in stream(connection, query.where(journal.c.partition == books.partition).limit(1), "refusals"):
        raise Fault(f"the command {row.command} has a record and is told as refused as well")
    known = exists().where(partitions.c.id == refusals.c.partition)
    for row in stream(connection, select(refusals.c.command).where(~known).limit(1), "refusals"):
        raise Fault(f"the command {row.command} is told as refused in a partition that does not exist")
    derived = type_coerce(refusals.c.derived, Integer).label("derived")
    query = select(*(derived if c.name == "derived" else c for c in refusals.c))
    for row in stream(connection, query.where(refusals.c.partition == books.partition), "refusals"):
        if not _can_have_been_given(row):
            raise Fault(f"the refusal of the command {row.command} cannot have been given as it stands there")


def _can_have_been_given(row: Any) -> bool:
    problem = PROBLEMS.get(row.slug)
    if problem is None or not problem.final:
        return False
    if len(row.salt) != HASH_BYTES or len(row.content) != HASH_BYTES or not row.principal:
        return False
    try:
        parameters = msgspec.json.decode(row.parameters)
    except ValueError:
        return False
    if not isinstance(parameters, dict) or canonical(parameters).decode() != row.parameters:
        return False
    if row.derived != ids.is_derived(row.command):
        return False
    made_at = ids.made_at_ms(row.command) * 1000
    return bool(row.derived or -ID_MAX_AHEAD_US <= row.recorded_at - made_at <= ID_MAX_AGE_US)


def _names(columns: str) -> list[str]:
    return [name.strip() for name in columns.split(",")]
