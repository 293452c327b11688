"""Everything that the ledger claims, held against what its journal alone leads to.

Record by record: the sequence has no gap, the chain's hashes are right, times of recording never decrease,
the entries of a record sum to zero in each currency and state the balances that really follow, no account
leaves its limits, and the table of entries says the same line by line. At the end: balances, accounts,
currencies and the partition's own row are what the journal leads to.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, and_, select, update

from services.ledger.journal.recomputing import Books, Line
from services.ledger.journal.report import Fault, Report
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import first_account
from services.ledger.tables import (
    accounts,
    balances,
    currencies,
    entries,
    journal,
    notes,
    partitions,
    refusals,
)
from services.ledger.writer import rows
from shared.db.engine import Database

PAGE = 1000

RECORDS = (
    select(
        journal.c.sequence,
        journal.c.recorded_at,
        journal.c.command,
        journal.c.header,
        journal.c.payload,
        journal.c.salt,
        journal.c.hash,
        notes.c.salt.label("note_salt"),
        notes.c.memo,
        notes.c.case_reference,
    )
    .join_from(
        journal,
        notes,
        and_(notes.c.partition == journal.c.partition, notes.c.sequence == journal.c.sequence),
        isouter=True,
    )
    .order_by(journal.c.sequence)
)


def verify(database: Database, partition: int, progress: Callable[[int], None] = lambda done: None) -> Report:
    """Verify a partition as it is at one moment; `progress` is told how many records have been checked.

    A fault freezes the partition to reading; a verification that finds none takes the freeze away.
    """
    books = Books(partition)
    fault = None
    with _snapshot(database) as connection:
        try:
            _check(connection, books, progress)
        except Fault as found:
            fault = str(found)
    _freeze(database, partition, fault is not None)
    return Report(
        partition=partition,
        records=books.sequence,
        accounts=len(books.accounts),
        entries=books.entries,
        sums=books.sums(),
        last_hash=books.hash.hex(),
        fault=fault,
    )


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """All that is read in the block is of one moment; sorting may go to the disk."""
    if not database.is_sqlite:
        with database.read() as connection:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection
        return
    with database.engine.connect() as connection:
        # The setting cannot be changed inside a transaction, so it goes past what begins one.
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA temp_store = FILE")
        try:
            yield connection
        finally:
            connection.rollback()
            driver.execute("PRAGMA temp_store = MEMORY")


def _freeze(database: Database, partition: int, frozen: bool) -> None:
    row = partitions.c.id == partition
    with database.read() as connection:
        if connection.execute(select(partitions.c.frozen).where(row)).scalar() in (None, frozen):
            return
    with database.write() as connection:
        connection.execute(update(partitions).where(row).values(frozen=frozen))


def _check(connection: Connection, books: Books, progress: Callable[[int], None]) -> None:
    with closing(_written_lines(connection, books.partition)) as written:
        _check_records(connection, books, written, progress)
    progress(books.sequence)
    _check_sums(books)
    _check_partition(connection, books)
    _check_currencies(connection, books)
    _check_accounts(connection, books)
    _check_balances(connection, books)
    _check_refusals(connection, books)


def _check_records(
    connection: Connection,
    books: Books,
    written: Iterator[tuple[int, list[Line]]],
    progress: Callable[[int], None],
) -> None:
    """Each record, and the lines of the table of entries beside it."""
    waiting = next(written, None)
    for record in _records(connection, books.partition):
        lines = _in_order(books.add(record))
        stored: list[Line] = []
        if waiting is not None and waiting[0] <= record.sequence:
            sequence, stored = waiting
            if sequence < record.sequence:
                raise Fault(f"the table of entries has lines of record {sequence}, which books none")
            waiting = next(written, None)
        if stored != lines:
            raise Fault(_difference(record.sequence, lines, stored))
        if record.sequence % PAGE == 0:
            progress(record.sequence)
    if waiting is not None:
        raise Fault(f"the table of entries has lines of record {waiting[0]}, which does not exist")


def _records(connection: Connection, partition: int) -> Iterator[Record]:
    query = RECORDS.where(journal.c.partition == partition)
    for sequence, recorded_at, command, header, payload, salt, hash, *note in _stream(connection, query):
        try:
            record = rows.record(command, header, payload, salt, hash, None, *note)
        except (ValueError, TypeError) as error:
            raise Fault(f"record {sequence} cannot be read: {error}") from error
        if (record.sequence, record.recorded_at) != (sequence, recorded_at):
            raise Fault(f"record {sequence} is kept under another number or time than its header says")
        yield record


def _written_lines(connection: Connection, partition: int) -> Generator[tuple[int, list[Line]], None, None]:
    """The lines of the table of entries, by record."""
    query: Select[Any] = select(
        entries.c.sequence,
        entries.c.account,
        entries.c.bucket,
        entries.c.amount,
        entries.c.balance,
        entries.c.total,
    )
    query = _of_partition(query, entries.c.account, partition).order_by(
        entries.c.sequence, entries.c.account, entries.c.bucket
    )
    with closing(_stream(connection, query)) as found:
        for sequence, lines in groupby(found, key=itemgetter(0)):
            yield (
                sequence,
                [
                    Line(account, bucket, amount, balance, balance if total is None else total)
                    for _, account, bucket, amount, balance, total in lines
                ],
            )


def _difference(sequence: int, lines: Sequence[Line], stored: Sequence[Line]) -> str:
    for expected in lines:
        if expected not in stored:
            found = [line for line in stored if line[:2] == expected[:2]]
            says = f"says {found[0].amount} and {found[0].balance} after it" if found else "is missing"
            return (
                f"the entry of record {sequence} on account number {expected.account} {says}; "
                f"the record books {expected.amount}, which leaves {expected.balance}"
            )
    return f"the table of entries has more lines of record {sequence} than the record books"


def _check_sums(books: Books) -> None:
    for code, total in books.sums().items():
        if total:
            raise Fault(f"the balances of {code} sum to {total} instead of zero")


def _check_partition(connection: Connection, books: Books) -> None:
    row = connection.execute(select(partitions).where(partitions.c.id == books.partition)).first()
    if row is None:
        if books.sequence:
            raise Fault(f"partition {books.partition} has records but no row of its own")
        return
    stated = (row.last_sequence, bytes(row.last_hash), row.recorded_at)
    if stated != (books.sequence, books.hash, books.recorded_at):
        raise Fault(
            f"the journal ends with record {books.sequence}; the row of partition {books.partition} "
            f"says {row.last_sequence}, or another hash or time"
        )


def _check_currencies(connection: Connection, books: Books) -> None:
    columns: list[Any] = [currencies.c[name.strip()] for name in rows.CURRENCY_COLUMNS.split(",")]
    query: Select[Any] = select(*columns).where(currencies.c.partition == books.partition)
    missing = set(books.currencies)
    for row in connection.execute(query):
        currency = rows.currency(row)
        expected = books.currencies.get(currency.code)
        if expected is None:
            raise Fault(f"currency {currency.code} stands in its table, but no record creates it")
        for name, value in expected.items():
            if getattr(currency, name) != value:
                raise Fault(f"the {name} of currency {currency.code} is not what its record says")
        missing.discard(currency.code)
    if missing:
        raise Fault(f"currency {min(missing)} is missing from its table")


def _check_accounts(connection: Connection, books: Books) -> None:
    columns: list[Any] = [accounts.c[name.strip()] for name in rows.ACCOUNT_COLUMNS.split(",")]
    query: Select[Any] = _of_partition(select(*columns), accounts.c.number, books.partition)
    seen = 0
    for row in _stream(connection, query):
        account = books.accounts.get(row.id)
        if account is None:
            raise Fault(f"account {row.id} stands in its table, but no record opens it")
        expected = account.fields | {"number": account.number, "opened_at": account.opened_at}
        for name, value in expected.items():
            if getattr(row, name) != value:
                raise Fault(f"the {name} of account {row.id} is not what its record says")
        seen += 1
    if seen != len(books.accounts):
        raise Fault(f"{len(books.accounts) - seen} accounts are missing from their table")


def _check_balances(connection: Connection, books: Books) -> None:
    held = {
        (account.number, bucket): (id, balance)
        for id, account in books.accounts.items()
        for bucket, balance in account.buckets.items()
        if balance or bucket == PLAIN
    }
    query = _of_partition(select(balances), balances.c.account, books.partition)
    for row in _stream(connection, query):
        id, balance = held.pop((row.account, row.bucket), (f"number {row.account}", None))
        if row.balance != balance:
            raise Fault(f"the balance of account {id} is {row.balance}; the journal leads to {balance}")
        total = row.balance if row.total is None else row.total
        if row.bucket == PLAIN and total != books.accounts[id].total:
            raise Fault(
                f"the total of account {id} is {total}; the journal leads to {books.accounts[id].total}"
            )
    for id, balance in held.values():
        raise Fault(f"the balance of account {id} is missing; the journal leads to {balance}")


def _check_refusals(connection: Connection, books: Books) -> None:
    both = and_(journal.c.command == refusals.c.command, journal.c.partition == refusals.c.partition)
    query = select(journal.c.command).join_from(journal, refusals, both)
    found = connection.execute(query.where(journal.c.partition == books.partition).limit(1)).scalar()
    if found is not None:
        raise Fault(f"the command {found} has a record and is told as refused as well")


def _in_order(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (line.account, line.bucket))


def _of_partition(query: Select[Any], number: Any, partition: int) -> Select[Any]:
    return query.where(number >= first_account(partition), number < first_account(partition + 1))


def _stream(connection: Connection, query: Select[Any]) -> Generator[Any, None, None]:
    # A fault ends reading in the middle; the database must hear of it.
    with closing(connection.execute(query, execution_options={"yield_per": PAGE})) as found:
        yield from found
