"""What a job has read from the journal for queries, held against that journal up to where the job has come:
entries told late, their sums by days, and who may operate whose account.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, exists, select

from services.ledger.journal.comparing import of_partition, stream
from services.ledger.journal.recomputing import Books, Line
from services.ledger.journal.report import Fault
from services.ledger.kernel.calendar import DAY_US
from services.ledger.kernel.record import Record
from services.ledger.tables import (
    delegations,
    late_days,
    late_entries,
    partitions,
    reading_cursors,
    relay_cursors,
)


class Late(NamedTuple):
    """What an account gained or lost by a record that was told later than it happened."""

    account: int
    occurred_at: int
    recorded_at: int
    sequence: int
    amount: int


class Day(NamedTuple):
    """The sum of an account's late entries that happened on one day and were recorded on another."""

    account: int
    occurred_on: int
    recorded_on: int
    amount: int


class Followed:
    """Takes the records beside the books, each with its lines, and compares at the end. Close it."""

    def __init__(self, connection: Connection, books: Books) -> None:
        self._connection = connection
        self._books = books
        cursor = select(reading_cursors.c.sequence).where(reading_cursors.c.partition == books.partition)
        self._until = max((row.sequence for row in stream(connection, cursor, "reading cursors")), default=0)
        self._delegates: dict[int, frozenset[str]] = {}
        self._stored = _late_lines(connection, books.partition)
        self._waiting = next(self._stored, None)

    def close(self) -> None:
        """End reading, wherever it has come to."""
        self._stored.close()

    def add(self, record: Record, lines: Sequence[Line]) -> None:
        """Check what is told late of a record that the books have taken. Raises Fault."""
        if record.sequence > self._until:
            return
        for id, changed in record.payload.get("changes", ()):
            if "terms" in changed:
                given = changed["terms"].get("delegates", {})
                self._delegates[self._books.accounts[id].number] = frozenset(given)
        if self._written(record.sequence) != _late(record, lines):
            raise Fault(f"the late entries of record {record.sequence} are not what it tells late")

    def check(self) -> None:
        """Whether the tables say no more, and the same in sum. Raises Fault."""
        if self._waiting is not None:
            raise Fault(f"there are late entries of record {self._waiting[0]}, which no job has read yet")
        self._check_days()
        self._check_delegations()
        for table in (reading_cursors, relay_cursors):
            self._check_cursor(table)

    def _written(self, sequence: int) -> list[Late]:
        if self._waiting is None or self._waiting[0] > sequence:
            return []
        found, lines = self._waiting
        if found < sequence:
            raise Fault(f"there are late entries of record {found}, which does not exist")
        self._waiting = next(self._stored, None)
        return lines

    def _check_days(self) -> None:
        """The late entries are right by now: their sums must be as well."""
        query = of_partition(select(late_days), late_days.c.account, self._books.partition)
        query = query.order_by(late_days.c.account, late_days.c.occurred_on, late_days.c.recorded_on)
        stored = (Day(*row) for row in stream(self._connection, query, "late days"))
        for expected, found in zip_longest(self._days(), stored):
            if expected != found:
                # The one that comes first has no counterpart, or another amount.
                wrong = min(day for day in (expected, found) if day is not None)
                raise Fault(
                    f"the late entries of account number {wrong.account} of day {wrong.occurred_on}, "
                    f"recorded on day {wrong.recorded_on}, do not sum to what the table of late days says"
                )

    def _days(self) -> Iterator[Day]:
        query = of_partition(select(late_entries), late_entries.c.account, self._books.partition)
        query = query.order_by(late_entries.c.account, late_entries.c.occurred_at)
        rows = (Late(*row) for row in stream(self._connection, query, "late entries"))
        for (account, day), lines in groupby(rows, key=lambda row: (row.account, row.occurred_at // DAY_US)):
            sums: dict[int, int] = {}
            for line in lines:
                recorded_on = line.recorded_at // DAY_US
                sums[recorded_on] = sums.get(recorded_on, 0) + line.amount
            for recorded_on, amount in sorted(sums.items()):
                yield Day(account, day, recorded_on, amount)

    def _check_delegations(self) -> None:
        missing = {(number, who) for number, given in self._delegates.items() for who in given}
        query: Select[Any] = select(delegations.c.account, delegations.c.subject)
        query = of_partition(query, delegations.c.account, self._books.partition)
        for number, who in stream(self._connection, query, "delegations"):
            if (number, who) not in missing:
                raise Fault(f"{who} is no delegate by the terms of account number {number}, yet listed")
            missing.discard((number, who))
        for number, who in missing:
            raise Fault(f"{who} is missing among the delegates of account number {number}")

    def _check_cursor(self, table: Table) -> None:
        """How far a job has come is for it alone to say, but never further than there are records."""
        known = exists().where(partitions.c.id == table.c.partition)
        for row in stream(self._connection, select(table).where(~known).limit(1), table.name):
            raise Fault(f"{table.name} has a row of partition {row.partition}, which does not exist")
        mine = select(table.c.sequence).where(table.c.partition == self._books.partition)
        for (sequence,) in stream(self._connection, mine, table.name):
            if not 0 < sequence <= self._books.sequence:
                raise Fault(
                    f"{table.name} says that record {sequence} has been read; the journal ends with record "
                    f"{self._books.sequence}"
                )


def _late(record: Record, lines: Sequence[Line]) -> list[Late]:
    """What each account gained or lost by a record that was told late, its buckets summed."""
    if record.occurred_at >= record.recorded_at:
        return []
    sums: dict[int, int] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.amount
    return [
        Late(account, record.occurred_at, record.recorded_at, record.sequence, amount)
        for account, amount in sorted(sums.items())
        if amount
    ]


def _late_lines(connection: Connection, partition: int) -> Generator[tuple[int, list[Late]], None, None]:
    """The lines of the table of late entries, by record."""
    query: Any = of_partition(select(late_entries), late_entries.c.account, partition)
    rows = stream(connection, query.order_by(late_entries.c.sequence, late_entries.c.account), "late entries")
    try:
        for sequence, found in groupby((Late(*row) for row in rows), key=itemgetter(3)):
            yield sequence, list(found)
    finally:
        rows.close()
