"""Deliveries: one row for every event and queue, from the publication until its handler has succeeded.

published --> ready --(handled)--> deleted
              ^   |
              |   +--(failed)--> due later, one attempt more
              +------------------+
                  +--(last attempt failed, or no event of the queue)--> parked
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from shared.contracts import clock
from shared.messaging.publisher import Message

metadata = MetaData()

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("parked_at", BigInteger),
    Column("reason", Text, nullable=False),
    # An id is never given twice, so that it goes on telling the order when the last rows are gone.
    sqlite_autoincrement=True,
)
"""Times are Unix microseconds; `message` is the message's id; `attempt` counts the attempts that failed;
`reason` is the name of the last error, without its text, which might tell personal data, or why the message
was not taken for an event."""

_waiting = deliveries.c.parked_at.is_(None)
Index("ix_deliveries_waiting", deliveries.c.queue, deliveries.c.id, sqlite_where=_waiting)
Index("ix_deliveries_due", deliveries.c.queue, deliveries.c.due_at, sqlite_where=_waiting)


class Delivery(NamedTuple):
    """A message that waits in a queue, with the number of attempts that failed already."""

    id: int
    content_type: str
    body: bytes
    attempt: int


class Failure(NamedTuple):
    """What becomes of a delivery that failed: `due_at` None parks it."""

    id: int
    attempt: int
    due_at: int | None
    reason: str


def add(connection: Connection, items: Sequence[tuple[str, Message]]) -> None:
    """Write deliveries, (queue, message) each, in this order."""
    now = clock.now_us()
    rows: list[dict[str, Any]] = [
        {
            "queue": queue,
            "message": message.id,
            "content_type": message.content_type,
            "body": message.body,
            "created_at": now,
            "attempt": 0,
            "due_at": now,
            "reason": "",
        }
        for queue, message in items
    ]
    connection.execute(insert(deliveries), rows)


def ready(connection: Connection, queue: str, limit: int) -> list[Delivery]:
    """The oldest deliveries of a queue whose time has come."""
    columns = deliveries.c
    query = (
        select(columns.id, columns.content_type, columns.body, columns.attempt)
        .where(columns.queue == queue, _waiting, columns.due_at <= clock.now_us())
        .order_by(columns.id)
        .limit(limit)
    )
    return [Delivery(*row) for row in connection.execute(query)]


def next_due_at(connection: Connection, queue: str) -> int | None:
    """When the next delivery of a queue is due, in Unix microseconds; None where none waits."""
    query = select(func.min(deliveries.c.due_at)).where(deliveries.c.queue == queue, _waiting)
    due: int | None = connection.scalar(query)
    return due


def settle(connection: Connection, done: Sequence[int], failed: Sequence[Failure]) -> None:
    """Delete what was handled, and put off or park what failed."""
    if done:
        connection.execute(delete(deliveries).where(deliveries.c.id.in_(done)))
    for failure in failed:
        now = clock.now_us()
        changes: dict[str, Any] = {"attempt": failure.attempt, "reason": failure.reason}
        changes |= {"parked_at": now} if failure.due_at is None else {"due_at": failure.due_at}
        connection.execute(update(deliveries).where(deliveries.c.id == failure.id).values(changes))


def orphans(connection: Connection, queues: Sequence[str]) -> dict[str, int]:
    """How many deliveries wait in queues that are none of these."""
    query = (
        select(deliveries.c.queue, func.count().label("waiting"))
        .where(and_(_waiting, deliveries.c.queue.not_in(queues)))
        .group_by(deliveries.c.queue)
    )
    return {row.queue: row.waiting for row in connection.execute(query)}
