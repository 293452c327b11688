"""The timelines of the journal: how far each partition has come, and a new beginning after a restore."""

import os

from sqlalchemy import Connection, insert, select, update

from services.ledger.kernel import timelines
from services.ledger.kernel.record import SALT_BYTES
from services.ledger.kernel.state import Header
from services.ledger.tables import journal, partitions
from shared.contracts import clock, ids
from shared.contracts.journal import Position


def positions(connection: Connection) -> dict[int, Position]:
    """How far each partition's journal has come, by its own row."""
    columns = partitions.c
    found = connection.execute(
        select(columns.id, columns.timeline, columns.last_sequence, columns.last_hash).order_by(columns.id)
    )
    return {id: Position(timeline, sequence, bytes(hash).hex()) for id, timeline, sequence, hash in found}


def begin(connection: Connection, partition: int, principal: str) -> Position:
    """Go on in a new timeline from here, which the journal says in a record of its own where it has any; a
    writer that led the partition until now writes no more.
    """
    row = connection.execute(select(partitions).where(partitions.c.id == partition).with_for_update()).one()
    header = Header(partition, row.timeline, row.last_sequence, bytes(row.last_hash), row.recorded_at)
    timeline = ids.new_id()
    if header.sequence == 0:
        _move(connection, header, timeline, ids.new_id())
        return Position(timeline, 0, header.hash.hex())
    record = timelines.begin(
        header,
        timeline=timeline,
        command=ids.new_id(),
        principal=principal,
        now=clock.now_us(),
        salt=os.urandom(SALT_BYTES),
    )
    connection.execute(
        insert(journal).values(
            partition=partition,
            sequence=record.sequence,
            recorded_at=record.recorded_at,
            command=record.command,
            header=record.header,
            payload=record.body,
            salt=record.salt,
            hash=record.hash,
        )
    )
    after = Header(partition, timeline, record.sequence, record.hash, record.recorded_at)
    _move(connection, after, timeline, record.command)
    return record.to_journal().position


def _move(connection: Connection, header: Header, timeline: str, batch: str) -> None:
    """Say in the partition's row how it stands, in a new term."""
    connection.execute(
        update(partitions)
        .where(partitions.c.id == header.partition)
        .values(
            timeline=timeline,
            term=partitions.c.term + 1,
            last_sequence=header.sequence,
            last_hash=header.hash,
            last_batch=batch,
            recorded_at=header.recorded_at,
        )
    )
