"""The journal published: batches of records on "ledger.events", from a cursor, in order.

No record is marked. What was published and not yet noted when the process died is published again; consumers
know what continues their position and leave the rest aside.
"""

from prometheus_client import Gauge
from sqlalchemy import Connection, func, insert, select, update

from services.ledger.journal.reader import records_after
from services.ledger.resources import Resources
from services.ledger.tables import partitions, relay_cursors
from shared.contracts.events import BATCH_CONTENT_TYPE
from shared.contracts.journal import MAX_RECORDS_PER_BATCH, encode_batch
from shared.messaging.publisher import Message, Publisher

EXCHANGE = "ledger.events"
BATCHES_PER_STEP = 10

LAG = Gauge("journal_relay_lag_records", "Records of the journal that are not yet published", ["partition"])


class JournalRelay:
    """Publishes one partition's journal. `step` is a job's."""

    def __init__(self, resources: Resources, publisher: Publisher) -> None:
        self._database = resources.database
        self._partition = resources.partition
        self._publisher = publisher

    def step(self) -> bool:
        """Publish at most ten batches; says whether more is waiting."""
        with self._database.read() as connection:
            cursor = self._cursor(connection)
            last = self._last(connection)
        LAG.labels(str(self._partition)).set(last - (cursor or 0))
        if last == (cursor or 0):
            return False
        published = self._publish_after(cursor or 0)
        self._save(cursor, published)
        LAG.labels(str(self._partition)).set(max(0, last - published))
        return published < last

    def _publish_after(self, sequence: int) -> int:
        """The sequence number of the last record published."""
        messages = []
        for _ in range(BATCHES_PER_STEP):
            with self._database.read() as connection:
                records = records_after(connection, self._partition, sequence, MAX_RECORDS_PER_BATCH)
            if not records:
                break
            sequence = records[-1].sequence
            body = encode_batch([record.to_journal() for record in records])
            message_id = f"{records[0].timeline}:{records[0].sequence}-{sequence}"
            routing_key = f"journal.v1.{self._partition}"
            messages.append(Message(EXCHANGE, routing_key, body, BATCH_CONTENT_TYPE, message_id))
        self._publisher.publish(messages)
        return sequence

    def _cursor(self, connection: Connection) -> int | None:
        return connection.execute(
            select(relay_cursors.c.sequence).where(relay_cursors.c.partition == self._partition)
        ).scalar()

    def _last(self, connection: Connection) -> int:
        found = select(func.coalesce(func.max(partitions.c.last_sequence), 0))
        last: int = connection.execute(found.where(partitions.c.id == self._partition)).scalar_one()
        return last

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
