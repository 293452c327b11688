"""The bus of the embedded server.

Calls run in the caller's thread. Events become rows of the bus's own database, one for each queue, before
`publish` returns, so that a kill loses none; a thread per queue hands them to their handler. Journal batches
go through memory.
"""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from shared.auth.tokens import Verifier
from shared.db.engine import Database
from shared.messaging.dispatch import Dispatcher
from shared.messaging.inprocess import deliveries
from shared.messaging.inprocess.dead_letters import ParkedDeliveries
from shared.messaging.inprocess.events import EventConsumer
from shared.messaging.inprocess.journals import JournalConsumer
from shared.messaging.inprocess.routes import InProcessClient, Routes
from shared.messaging.publisher import Message, PublishError
from shared.messaging.service import Service
from shared.observability.logs import get_logger

RETRY_DELAYS_SECONDS = (1.0, 10.0, 60.0, 600.0)
"""The pauses before a failed event is tried again; after the attempt that follows the last, it is parked."""

JOURNAL_KEY = "journal.v1."

log = get_logger(__name__)


class InProcessBus:
    """Connects services in one process: register all of them, then `start`.

    `database` is the bus's own (an SQLite file), made ready here. Calls work from registration on.
    """

    def __init__(
        self, database: Database, *, retry_delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS
    ) -> None:
        self._database = database
        self._delays = retry_delays_seconds
        self._events: dict[str, list[EventConsumer]] = {}
        self._journals: dict[str, list[JournalConsumer]] = {}
        self.routes = Routes()
        self.client = InProcessClient(self.routes)
        self.publisher = InProcessPublisher(database, self._events, self._journals)
        self.dead_letters = ParkedDeliveries(database, self._wake)
        with database.write() as connection:
            deliveries.metadata.create_all(connection)

    def register(self, service: Service, resources: Any, verifier: Verifier) -> None:
        """Serve a service's calls and let it hear events and journals."""
        self.routes.add(Dispatcher(service, resources, verifier))
        for key, on_event in service.events.items():
            consumer = EventConsumer(
                f"{service.name}.{key}", key, on_event, resources, self._database, self._delays
            )
            self._events.setdefault(key, []).append(consumer)
        for source, on_records in service.journals.items():
            queue = f"{service.name}.{source}.journal.v1"
            self._journals.setdefault(source, []).append(JournalConsumer(queue, on_records, resources))

    def start(self) -> None:
        """Begin to deliver, with what an earlier run has left."""
        self._tell_orphans()
        for consumer in self._consumers():
            consumer.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """End every delivery after its present message, and refuse calls from now on."""
        deadline = time.monotonic() + timeout_seconds
        for consumer in self._consumers():
            consumer.ask_to_stop()
        for consumer in self._consumers():
            consumer.join(max(0.0, deadline - time.monotonic()))
        self.routes.close()

    def _wake(self, queue: str) -> None:
        for consumers in self._events.values():
            for consumer in consumers:
                if consumer.queue == queue:
                    consumer.wake()

    def _consumers(self) -> list[EventConsumer | JournalConsumer]:
        listening: list[EventConsumer | JournalConsumer] = []
        for event_consumers in self._events.values():
            listening += event_consumers
        for journal_consumers in self._journals.values():
            listening += journal_consumers
        return listening

    def _tell_orphans(self) -> None:
        queues = [consumer.queue for consumers in self._events.values() for consumer in consumers]
        with self._database.read() as connection:
            for queue, count in deliveries.orphans(connection, queues).items():
                log.warning("deliveries_without_consumer", queue=queue, count=count)


class InProcessPublisher:
    """A Publisher: what it has taken is on disk, in a delivery for everyone who listens."""

    def __init__(
        self,
        database: Database,
        events: dict[str, list[EventConsumer]],
        journals: dict[str, list[JournalConsumer]],
    ) -> None:
        self._database = database
        self._events = events
        self._journals = journals

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        heard: list[bool] = []
        rows: list[tuple[str, Message]] = []
        to_wake: dict[str, EventConsumer] = {}
        batches: list[tuple[JournalConsumer, bytes]] = []
        for message in messages:
            source = message.exchange.removesuffix(".events")
            if message.routing_key.startswith(JOURNAL_KEY):
                readers = self._journals.get(source, ())
                batches += [(reader, message.body) for reader in readers]
                heard.append(bool(readers))
                continue
            listeners = self._events.get(f"{source}.{message.routing_key}", ())
            rows += [(listener.queue, message) for listener in listeners]
            to_wake |= {listener.queue: listener for listener in listeners}
            heard.append(bool(listeners))
        if rows:
            self._write(rows)
        for listener in to_wake.values():
            listener.wake()
        for reader, body in batches:
            reader.put(body)
        return heard

    def close(self) -> None:
        """Nothing to close: the database belongs to whoever made the bus."""

    def _write(self, rows: Sequence[tuple[str, Message]]) -> None:
        try:
            with self._database.write() as connection:
                deliveries.add(connection, rows)
        except SQLAlchemyError as error:
            raise PublishError(str(error)) from error
