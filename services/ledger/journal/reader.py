"""The journal read: records in order, the record that a number or a command names, and what was last when."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    cast,
    func,
    literal,
    select,
)

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
    if not sequences:
        return {}
    found = connection.execute(
        _records().where(journal.c.partition == partition, _among(connection, journal.c.sequence, sequences))
    )
    records = [rows.record(*row) for row in found]
    return {record.sequence: record for record in records}


def stored_at(connection: Connection, partition: int, sequences: Collection[int]) -> Sequence[Any]:
    """As `records_at`, undecoded and in any order: rows of (sequence, header, payload)."""
    query = select(journal.c.sequence, journal.c.header, journal.c.payload)
    which = _among(connection, journal.c.sequence, sequences)
    return connection.execute(query.where(journal.c.partition == partition, which)).all()


def notes_at(connection: Connection, partition: int, sequences: Collection[int]) -> Sequence[Any]:
    """The words beside the records with these numbers: rows of (sequence, memo, case_reference)."""
    if not sequences:
        return []
    query = select(notes.c.sequence, notes.c.memo, notes.c.case_reference)
    which = _among(connection, notes.c.sequence, sequences)
    return connection.execute(query.where(notes.c.partition == partition, which)).all()


def _among(connection: Connection, column: "Column[int]", numbers: Collection[int]) -> ColumnElement[bool]:
    """Whether a column has one of these numbers, however many: one parameter, and one statement for all."""
    text = ",".join(map(str, numbers))
    if connection.dialect.name == "sqlite":
        listed = func.json_each(f"[{text}]").table_valued("value")
        return column.in_(select(listed.c.value))
    # Not "= ANY", which the planner may look through from end to end for every row of a table.
    return column.in_(select(func.unnest(cast(literal(f"{{{text}}}", String), ARRAY(BigInteger)))))


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
