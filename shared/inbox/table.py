"""The inbox of a service: (source, id) of every event handled, written in the transaction of the work itself.

    with resources.database.write() as connection:
        if first_time(connection, inbox, event):
            ...

Events may arrive again days later (a relay or a broker was killed, a parked event is replayed), so rows stay
for 30 days.
"""

from sqlalchemy import BigInteger, Column, Connection, Index, MetaData, Table, Text, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from shared.contracts import clock
from shared.contracts.events import Event
from shared.db.engine import Database

KEPT_DAYS = 30
PURGE_BITE = 500


def inbox_table(metadata: MetaData) -> Table:
    """The table `inbox`, to stand among a service's own. `received_at` is Unix time in microseconds."""
    return Table(
        "inbox",
        metadata,
        Column("source", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("received_at", BigInteger, nullable=False),
        Index("ix_inbox_received_at", "received_at"),
    )


def first_time(connection: Connection, table: Table, event: Event) -> bool:
    """Whether this event was not handled before; it is remembered with whatever the transaction does.

    Of two transactions with the same event at once, the second waits for the first, and answers False if that
    commits.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = {"source": event.source, "id": event.id, "received_at": clock.now_us()}
    remember = insert(table).values(row).on_conflict_do_nothing().returning(table.c.id)
    return connection.execute(remember).first() is not None


def purge(database: Database, table: Table, *, now_us: int | None = None) -> bool:
    """Forget at most `PURGE_BITE` events received more than `KEPT_DAYS` ago; says whether more may wait.

    `now_us` is Unix time in microseconds, the present by default.
    """
    now = clock.now_us() if now_us is None else now_us
    before = now - KEPT_DAYS * 86_400 * clock.MICROSECONDS
    key = (table.c.source, table.c.id)
    old = select(*key).where(table.c.received_at < before).order_by(table.c.received_at).limit(PURGE_BITE)
    with database.write() as connection:
        return connection.execute(delete(table).where(tuple_(*key).in_(old))).rowcount == PURGE_BITE
