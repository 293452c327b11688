"""The journal published: batches of records on "ledger.events", from a cursor, in order.

No record is marked. What was published and not yet noted when the process died is published again; consumers
know what continues their position and leave the rest aside.
"""

import time

from prometheus_client import Gauge
from sqlalchemy import insert, select, update

from services.ledger.journal.feed import events_after
from services.ledger.resources import Resources
from services.ledger.tables import partitions, relay_cursors
from shared.contracts.events import BATCH_CONTENT_TYPE
from shared.contracts.journal import MAX_RECORDS_PER_BATCH, join_batch
from shared.messaging.publisher import Message, Publisher

EXCHANGE = "ledger.events"
BATCHES_PER_STEP = 10
GATHER_SECONDS = 0.4
"""How long records may wait for others after something was published: a consumer works far less for a record
that comes with hundreds. What comes after a rest is published at once.
"""

LAG = Gauge("journal_relay_lag_records", "Records of the journal that are not yet published", ["partition"])


class JournalRelay:
    """Publishes one partition's journal. `step` is a job's."""

    def __init__(self, resources: Resources, publisher: Publisher) -> None:
        self._database = resources.database
        self._partition = resources.partition
        self._publisher = publisher
        self._gather_until = 0.0

    def step(self) -> bool:
        """Publish at most ten batches; says whether more is waiting."""
        if time.monotonic() < self._gather_until:
            return False
        cursor, last = self._read_progress()
        LAG.labels(str(self._partition)).set(last - (cursor or 0))
        if last == (cursor or 0):
            return False
        published = self._publish_after(cursor or 0)
        self._save(cursor, published)
        LAG.labels(str(self._partition)).set(max(0, last - published))
        if published < last:
            return True
        self._gather_until = time.monotonic() + GATHER_SECONDS
        return False

    def _publish_after(self, sequence: int) -> int:
        """The sequence number of the last record published."""
        messages = []
        for _ in range(BATCHES_PER_STEP):
            with self._database.read() as connection:
                events = events_after(connection, self._partition, sequence, MAX_RECORDS_PER_BATCH)
            if not events:
                break
            sequence = events[-1].sequence
            body = join_batch([event.json for event in events])
            message_id = f"{events[0].timeline}:{events[0].sequence}-{sequence}"
            routing_key = f"journal.v1.{self._partition}"
            messages.append(Message(EXCHANGE, routing_key, body, BATCH_CONTENT_TYPE, message_id))
        self._publisher.publish(messages)
        return sequence

    def _read_progress(self) -> tuple[int | None, int]:
        """Up to which record the journal was published, None for never, and up to which it goes."""
        cursor = select(relay_cursors.c.sequence).where(relay_cursors.c.partition == self._partition)
        query = select(cursor.scalar_subquery(), partitions.c.last_sequence)
        with self._database.read() as connection:
            row = connection.execute(query.where(partitions.c.id == self._partition)).one_or_none()
        return (None, 0) if row is None else (row[0], row[1])

    def _save(self, before: int | None, sequence: int) -> None:
        with self._database.write() as connection:
            if before is None:
                connection.execute(insert(relay_cursors).values(partition=self._partition, sequence=sequence))
                return
            connection.execute(
                update(relay_cursors)
                .where(relay_cursors.c.partition == self._partition)
                .values(sequence=sequence)
            )
