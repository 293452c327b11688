"""The journal read: records in order, the record that a number or a command names, and what was last when."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, and_, select

from services.ledger.kernel.record import GENESIS, Record
from services.ledger.tables import journal, notes
from services.ledger.writer import rows

_previous = journal.alias("previous")


def _records() -> Select[Any]:
    """Rows in the order in which `rows.record` takes them, each with its predecessor's hash and its note."""
    return (
        select(
            journal.c.command,
            journal.c.header,
            journal.c.payload,
            journal.c.salt,
            journal.c.hash,
            _previous.c.hash.label("prev_hash"),
            notes.c.salt.label("note_salt"),
            notes.c.memo,
            notes.c.case_reference,
        )
        .join_from(
            journal,
            _previous,
            and_(
                _previous.c.partition == journal.c.partition,
                _previous.c.sequence == journal.c.sequence - 1,
            ),
            isouter=True,
        )
        .join(
            notes,
            and_(notes.c.partition == journal.c.partition, notes.c.sequence == journal.c.sequence),
            isouter=True,
        )
    )


def records_after(connection: Connection, partition: int, sequence: int, limit: int) -> list[Record]:
    """At most `limit` records that follow a sequence number, in order."""
    found = connection.execute(
        _records()
        .where(journal.c.partition == partition, journal.c.sequence > sequence)
        .order_by(journal.c.sequence)
        .limit(limit)
    )
    return [rows.record(*row) for row in found]


def records_at(connection: Connection, partition: int, sequences: Collection[int]) -> dict[int, Record]:
    """The records with these sequence numbers, by number."""
    found = connection.execute(
        _records().where(journal.c.partition == partition, journal.c.sequence.in_(sequences))
    )
    records = [rows.record(*row) for row in found]
    return {record.sequence: record for record in records}


def record_of(connection: Connection, command: str) -> Record | None:
    """The record of an accepted command, by the command's id."""
    row = connection.execute(_records().where(journal.c.command == command)).first()
    return None if row is None else rows.record(*row)


def records_of(connection: Connection, commands: Collection[str]) -> dict[str, Record]:
    """The records of accepted commands, by the commands' ids, of those that there are."""
    found = connection.execute(_records().where(journal.c.command.in_(commands)))
    records = [rows.record(*row) for row in found]
    return {record.command: record for record in records}


def last_until(connection: Connection, partition: int, at: int) -> int:
    """The sequence number of the last record until a time of recording (Unix microseconds), 0 for none.

    Times of recording never decrease, so halving finds it without an index of its own.
    """
    newest = select(journal.c.sequence).where(journal.c.partition == partition)
    high = connection.execute(newest.order_by(journal.c.sequence.desc()).limit(1)).scalar() or 0
    low = 0
    recorded_at = select(journal.c.recorded_at).where(journal.c.partition == partition)
    while low < high:
        middle = (low + high + 1) // 2
        if connection.execute(recorded_at.where(journal.c.sequence == middle)).scalar_one() <= at:
            low = middle
        else:
            high = middle - 1
    return low


def hash_at(connection: Connection, partition: int, sequence: int) -> bytes | None:
    """The hash of a record; that of the beginning for 0, None where there is no such record."""
    if sequence == 0:
        return GENESIS
    found = connection.execute(
        select(journal.c.hash).where(journal.c.partition == partition, journal.c.sequence == sequence)
    ).scalar()
    return None if found is None else bytes(found)
