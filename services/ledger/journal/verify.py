"""Everything that the ledger claims, held against what its journal alone leads to.

Record by record: the sequence has no gap, the chain's hashes are right, times of recording never decrease,
the entries of a record sum to zero in each currency and state the balances that really follow, no account
leaves its limits, and the table of entries says the same line by line. At the end: balances, accounts,
currencies, things and the partition's own row are what the journal leads to, what a job has read from it for
queries is what it says up to there, and notes and refusals are what they can be.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, and_, select, update

from services.ledger.journal import comparing, indexes
from services.ledger.journal.comparing import PAGE, of_partition, stream
from services.ledger.journal.followed import Followed
from services.ledger.journal.recomputing import Books, Line
from services.ledger.journal.report import Fault, Report
from services.ledger.kernel.record import Record
from services.ledger.tables import entries, journal, notes, partitions
from services.ledger.writer import rows
from shared.db.engine import Database

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

    A fault freezes the partition to reading; a verification that finds none takes the freeze away that was
    there when it began.
    """
    books = Books(partition)
    fault = None
    with _snapshot(database) as connection:
        frozen_at = _frozen_at(connection, partition)
        warnings = indexes.warnings(connection)
        try:
            _check(connection, books, progress)
        except Fault as found:
            fault = str(found)
    if fault is not None:
        _freeze(database, partition)
    elif frozen_at is not None:
        _unfreeze(database, partition, frozen_at)
    return Report(
        partition=partition,
        records=books.sequence,
        accounts=len(books.accounts),
        entries=books.entries,
        things=len(books.things),
        sums=books.sums(),
        last_hash=books.hash.hex(),
        fault=fault,
        warnings=warnings,
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
        # Text that is none any more must be told as it is.
        driver.text_factory = partial(str, encoding="utf-8", errors="backslashreplace")
        try:
            yield connection
        finally:
            connection.rollback()
            driver.text_factory = str
            driver.execute("PRAGMA temp_store = MEMORY")


def _frozen_at(connection: Connection, partition: int) -> int | None:
    """With which record a partition that is frozen ends; None where it is not."""
    query = select(partitions.c.last_sequence).where(partitions.c.id == partition, partitions.c.frozen)
    return connection.execute(query).scalar()


def _freeze(database: Database, partition: int) -> None:
    row = partitions.c.id == partition
    with database.read() as connection:
        if connection.execute(select(partitions.c.frozen).where(row)).scalar() in (None, True):
            return
    with database.write() as connection:
        connection.execute(update(partitions).where(row).values(frozen=True))


def _unfreeze(database: Database, partition: int, frozen_at: int) -> None:
    """Take away a freeze that has lasted since the partition came to this record: whoever found something
    in what was written later is right.
    """
    same = (partitions.c.id == partition, partitions.c.frozen, partitions.c.last_sequence == frozen_at)
    with database.write() as connection:
        connection.execute(update(partitions).where(*same).values(frozen=False))


def _check(connection: Connection, books: Books, progress: Callable[[int], None]) -> None:
    with (
        closing(_written_lines(connection, books.partition)) as written,
        closing(Followed(connection, books)) as followed,
    ):
        _check_records(connection, books, written, followed, progress)
        progress(books.sequence)
        _check_sums(books)
        books.check_reservations()
        comparing.check_tables(connection, books)
        indexes.check_indexes(connection)
        followed.check()


def _check_records(
    connection: Connection,
    books: Books,
    written: Iterator[tuple[int, list[Line]]],
    followed: Followed,
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
        followed.add(record, lines)
        if record.sequence % PAGE == 0:
            progress(record.sequence)
    if waiting is not None:
        raise Fault(f"the table of entries has lines of record {waiting[0]}, which does not exist")


def _records(connection: Connection, partition: int) -> Iterator[Record]:
    query = RECORDS.where(journal.c.partition == partition)
    for sequence, recorded_at, command, header, payload, salt, hash, *note in stream(
        connection, query, "records"
    ):
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
    query = of_partition(query, entries.c.account, partition).order_by(entries.c.sequence)
    with closing(stream(connection, query, "entries")) as found:
        for sequence, lines in groupby(found, key=itemgetter(0)):
            # Not every database sorts text as we do.
            yield sequence, _in_order([Line(*line) for _, *line in lines])


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


def _in_order(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (line.account, line.bucket))
