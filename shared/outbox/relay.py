"""The relay: publishes what stands in the outbox, in order, and forgets what was published long ago.

At least once: what was published and then not marked (a kill in between) is published again, and consumers
know it again by their inbox. Where several job processes share a PostgreSQL database, one relays at a time,
so that order holds.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row, Table, delete, func, select, update

from shared.contracts import clock
from shared.contracts.events import CONTENT_TYPE
from shared.db.engine import Database
from shared.messaging.publisher import Message, Publisher, PublishError
from shared.observability.metrics import OUTBOX_OLDEST, OUTBOX_PENDING, OUTBOX_UNROUTED

BATCH_SIZE = 200
KEPT_DAYS = 7
PURGE_BITE = 500
PURGE_EVERY_SECONDS = 60.0
MEASURE_EVERY_SECONDS = 1.0


class OutboxRelay:
    """`step` is a job's: `Job("outbox", 0.2, OutboxRelay(database, table, "identity", publisher).step)`."""

    def __init__(self, database: Database, table: Table, service: str, publisher: Publisher) -> None:
        self._database = database
        self._table = table
        self._service = service
        self._publisher = publisher
        self._lock_key = _lock_key(service)
        self._measured = self._purged = -float("inf")

    def step(self) -> bool:
        """Publish the oldest `BATCH_SIZE` pending events and say whether more may be waiting.

        Raises PublishError when the bus did not take them; they stay pending.
        """
        with self._turn() as ours:
            if not ours:
                return False
            pending = self._oldest_pending()
            if pending:
                self._publish(pending)
        more = len(pending) == BATCH_SIZE
        self._measure(drained=not more)
        return self._purge() or more

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Whether it is ours to relay while the block runs."""
        if self._database.is_sqlite:
            # Embedded: the data folder is locked by its one process, which has one relay per service.
            yield True
            return
        # A lock of this transaction alone: it cannot outlive the connection, whatever happens to us.
        with self._database.write() as connection:
            yield bool(connection.scalar(select(func.pg_try_advisory_xact_lock(self._lock_key))))

    def _oldest_pending(self) -> Sequence[Row[*tuple[Any, ...]]]:
        columns = self._table.c
        query = (
            select(columns.sequence, columns.id, columns.exchange, columns.routing_key, columns.body)
            .where(columns.published_at.is_(None))
            .order_by(columns.sequence)
            .limit(BATCH_SIZE)
        )
        with self._database.read() as connection:
            return connection.execute(query).all()

    def _publish(self, pending: Sequence[Row[*tuple[Any, ...]]]) -> None:
        messages = [Message(row.exchange, row.routing_key, row.body, CONTENT_TYPE, row.id) for row in pending]
        columns = self._table.c
        these = update(self._table).where(columns.sequence.in_([row.sequence for row in pending]))
        try:
            heard = self._publisher.publish(messages)
        except PublishError:
            with self._database.write() as connection:
                connection.execute(these.values(attempts=columns.attempts + 1))
            self._measure(drained=False)
            raise
        with self._database.write() as connection:
            connection.execute(these.values(published_at=clock.now_us()))
        OUTBOX_UNROUTED.labels(service=self._service).inc(heard.count(False))

    def _measure(self, *, drained: bool) -> None:
        if drained:
            count, oldest = 0, None
        elif time.monotonic() - self._measured < MEASURE_EVERY_SECONDS:
            return
        else:
            self._measured = time.monotonic()
            pending = self._table.c.published_at.is_(None)
            query = select(func.count(), func.min(self._table.c.created_at)).where(pending)
            with self._database.read() as connection:
                count, oldest = connection.execute(query).one()
        age = 0.0 if oldest is None else max(0, clock.now_us() - oldest) / clock.MICROSECONDS
        OUTBOX_PENDING.labels(service=self._service).set(count)
        OUTBOX_OLDEST.labels(service=self._service).set(age)

    def _purge(self) -> bool:
        """Delete a bite of what was published long ago, now and then; says whether more may be waiting."""
        if time.monotonic() - self._purged < PURGE_EVERY_SECONDS:
            return False
        columns = self._table.c
        before = clock.now_us() - KEPT_DAYS * 86_400 * clock.MICROSECONDS
        old = select(columns.sequence).where(columns.published_at < before).limit(PURGE_BITE)
        with self._database.write() as connection:
            deleted = connection.execute(delete(self._table).where(columns.sequence.in_(old))).rowcount
        if deleted == PURGE_BITE:
            return True
        self._purged = time.monotonic()
        return False


def _lock_key(service: str) -> int:
    """An advisory lock's key: 63 bits that stand for this relay."""
    return int.from_bytes(hashlib.sha256(f"outbox:{service}".encode()).digest()[:8], "big") >> 1
