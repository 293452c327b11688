"""From records to rows: the one code path for what arrives live, what is healed and what is rebuilt."""

from collections.abc import Sequence

from sqlalchemy import Connection

from services.dashboard.projection import positions, store
from services.dashboard.projection.facts import read
from shared.contracts.journal import JournalRecord


def apply(connection: Connection, records: Sequence[JournalRecord]) -> None:
    """Apply records of one partition that continue its position, and move the position to the last of them.

    The caller holds the position's lock (`positions.lock`) in this transaction. Raises Unappliable, before
    anything has been written, where a record cannot be applied; the records before it then can.
    """
    batch = [read(record) for record in records]
    book = store.load(connection, batch)
    for facts in batch:
        book.enter(facts)
    store.save(connection, book)
    positions.save(connection, records[-1])
