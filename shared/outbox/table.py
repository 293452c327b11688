"""The outbox of a service: events recorded in the transaction of the work, so that none is lost or untrue."""

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
)

from shared.contracts import clock, events
from shared.contracts.events import Event
from shared.observability import trace


def outbox_table(metadata: MetaData) -> Table:
    """The table `outbox`, to stand among a service's own tables.

    `sequence` gives the order of publishing, `id` is the event's, times are Unix microseconds, `body` is the
    encoded CloudEvent, `attempts` counts the publications that failed.
    """
    table = Table(
        "outbox",
        metadata,
        Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("created_at", BigInteger, nullable=False),
        Column("exchange", Text, nullable=False),
        Column("routing_key", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("published_at", BigInteger),
        Column("attempts", Integer, nullable=False, server_default="0"),
        # A sequence is never given twice, also when the last rows have been purged.
        sqlite_autoincrement=True,
    )
    pending = table.c.published_at.is_(None)
    Index("ix_outbox_pending", table.c.sequence, postgresql_where=pending, sqlite_where=pending)
    Index("ix_outbox_published_at", table.c.published_at)
    return table


def record(connection: Connection, table: Table, event: Event) -> None:
    """Put an event into the caller's transaction; it carries the caller's trace unless it has one already."""
    if not event.traceparent:
        event = msgspec.structs.replace(event, traceparent=trace.traceparent())
    connection.execute(
        insert(table).values(
            id=event.id,
            created_at=clock.now_us(),
            exchange=f"{event.service}.events",
            routing_key=event.routing_key,
            body=events.encode(event),
        )
    )
