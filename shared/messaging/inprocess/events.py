"""Consumers of events inside one process: a thread per queue hands its deliveries to the handler in order."""

import threading
from collections.abc import Sequence
from typing import Any

from shared.contracts import clock
from shared.contracts.events import Event
from shared.db.engine import Database
from shared.messaging.incoming import NotTaken, event_of
from shared.messaging.inprocess import deliveries
from shared.messaging.inprocess.deliveries import Delivery, Failure
from shared.messaging.service import EventHandler
from shared.observability import trace
from shared.observability.logs import get_logger
from shared.observability.metrics import CONSUMER_DEAD_LETTERED, CONSUMER_DURATION, CONSUMER_MESSAGES, timed

BATCH_SIZE = 50
"""Deliveries handled between two commits of the bus: at most so many are handled again after a kill."""

LONGEST_REST_SECONDS = 30.0
PAUSE_AFTER_FAULT_SECONDS = 1.0

log = get_logger(__name__)


class EventConsumer:
    """The consumer of one queue, for events with this key. `delays_seconds` are the pauses before each
    further attempt.
    """

    def __init__(
        self,
        queue: str,
        key: str,
        handler: EventHandler,
        resources: Any,
        database: Database,
        delays_seconds: Sequence[float],
    ) -> None:
        self.queue = queue
        self._key = key
        self._handler = handler
        self._resources = resources
        self._database = database
        self._delays = tuple(delays_seconds)
        self._changed = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=queue, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was published to the queue."""
        self._changed.set()

    def ask_to_stop(self) -> None:
        self._stopping = True
        self._changed.set()

    def join(self, timeout_seconds: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stopping:
            # Cleared before looking, so that what is published from now on is not slept over.
            self._changed.clear()
            try:
                rest = self._deliver()
            except Exception:
                # The bus's own database failed; the deliveries are still there.
                log.exception("deliveries_failed", queue=self.queue)
                rest = PAUSE_AFTER_FAULT_SECONDS
            if rest > 0 and not self._stopping:
                self._changed.wait(rest)

    def _deliver(self) -> float:
        """Handle what is ready; answers how long to rest, in seconds."""
        with self._database.read() as connection:
            batch = deliveries.ready(connection, self.queue, BATCH_SIZE)
            due_at = None if batch else deliveries.next_due_at(connection, self.queue)
        if not batch:
            if due_at is None:
                return LONGEST_REST_SECONDS
            return min(LONGEST_REST_SECONDS, max(0.0, (due_at - clock.now_us()) / clock.MICROSECONDS))
        done: list[int] = []
        failed: list[Failure] = []
        for delivery in batch:
            if self._stopping:
                break
            failure = self._handle(delivery)
            if failure is None:
                done.append(delivery.id)
            else:
                failed.append(failure)
        with self._database.write() as connection:
            deliveries.settle(connection, done, failed)
        return 0.0

    def _handle(self, delivery: Delivery) -> Failure | None:
        with timed(CONSUMER_DURATION, queue=self.queue) as outcome:
            try:
                event = event_of(delivery.body, delivery.content_type, self._key)
            except NotTaken as fault:
                outcome.set("parked")
                log.error("event_not_taken", queue=self.queue, reason=fault.reason)
                failure: Failure | None = self._park(delivery.id, delivery.attempt + 1, fault.reason)
            else:
                failure = self._attempt(event, delivery)
                if failure is not None:
                    outcome.set("parked" if failure.due_at is None else "retried")
        CONSUMER_MESSAGES.labels(queue=self.queue, outcome=outcome.value).inc()
        return failure

    def _attempt(self, event: Event, delivery: Delivery) -> Failure | None:
        with trace.continued(event.traceparent):
            try:
                self._handler(self._resources, event)
                return None
            except Exception as error:
                attempt = delivery.attempt + 1
                log.exception("event_failed", queue=self.queue, event_id=event.id, attempt=attempt)
                if attempt > len(self._delays):
                    return self._park(delivery.id, attempt, type(error).__name__)
                due_at = clock.deadline(self._delays[attempt - 1])
                return Failure(delivery.id, attempt, due_at, type(error).__name__)

    def _park(self, delivery: int, attempt: int, reason: str) -> Failure:
        CONSUMER_DEAD_LETTERED.labels(queue=self.queue).inc()
        return Failure(delivery, attempt, None, reason)
