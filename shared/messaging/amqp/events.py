"""The entrypoint of events: a quorum queue of the consumer's own, retries by way of delay queues, and a place
to park.

nameko acknowledges and forgets an event whose handler failed. Here it is published to a delay queue,
confirmed, and only then acknowledged; so it may come twice, but never goes missing. After the last attempt it
is parked in `<queue>.dead`.
"""

import threading
from collections.abc import Sequence
from typing import Any

import eventlet
from kombu import Queue
from nameko.constants import AMQP_URI_CONFIG_KEY
from nameko.extensions import SharedExtension
from nameko.messaging import Consumer

from shared.contracts import clock
from shared.contracts.events import Event
from shared.messaging.amqp import topology
from shared.messaging.amqp.broker_consumer import BrokerConsumer
from shared.messaging.amqp.connection import CONNECTION_FAULTS, ConfirmingChannel
from shared.messaging.amqp.topology import ATTEMPT_HEADER, PARKED_AT_HEADER, REASON_HEADER
from shared.messaging.incoming import NotTaken, event_of
from shared.messaging.service import EventHandler
from shared.observability import trace
from shared.observability.logs import get_logger
from shared.observability.metrics import (
    CONSUMER_DEAD_LETTERED,
    CONSUMER_DURATION,
    CONSUMER_MESSAGES,
    timed,
)

PERSISTENT = 2
REQUEUE_PAUSE_SECONDS = 1.0

OK = "ok"

log = get_logger(__name__)


class NotForwarded(Exception):
    """The broker did not take the message."""


class EventListener:
    """How a service handles one kind of event, and where it goes when that fails; knows nothing of nameko."""

    def __init__(
        self,
        consumer: str,
        key: str,
        handler: EventHandler,
        resources: Any,
        retry_delays_seconds: Sequence[float],
    ) -> None:
        self.consumer = consumer
        self.key = key
        self.queue = topology.event_queue(consumer, key)
        self._handler = handler
        self._resources = resources
        self._delays = tuple(retry_delays_seconds)

    def handle(self, event: Event) -> str:
        """Run the handler: "ok", or the name of the fault. The fault's text stays in our log, for it may hold
        data.
        """
        with trace.continued(event.traceparent), timed(CONSUMER_DURATION, queue=self.queue) as outcome:
            try:
                self._handler(self._resources, event)
            except Exception as fault:
                outcome.set("error")
                log.exception("event_failed", queue=self.queue, event_id=event.id)
                return type(fault).__name__
        return OK

    def exchange_after(self, attempt: int) -> str:
        """Where an event goes whose `attempt`-th handling (from 1) failed."""
        if attempt <= len(self._delays):
            return topology.retry_exchange(self.consumer, self._delays[attempt - 1])
        return topology.dead_exchange(self.consumer)


class Forwarder(SharedExtension):  # type: ignore[misc]
    """Publishes failed events, confirmed, over a connection of its own."""

    def setup(self) -> None:
        self._lock = threading.Lock()
        self._link: ConfirmingChannel | None = None

    def stop(self) -> None:
        with self._lock:
            self._drop()

    def forward(self, message: Any, exchange: str, queue: str, headers: dict[str, Any]) -> None:
        """Publish the message again with other headers. Raises NotForwarded."""
        with self._lock:
            try:
                self._forward(self._open(), message, exchange, queue, headers)
            except CONNECTION_FAULTS as fault:
                self._drop()
                raise NotForwarded(repr(fault)) from fault

    def _forward(
        self, link: ConfirmingChannel, message: Any, exchange: str, queue: str, headers: dict[str, Any]
    ) -> None:
        faults: list[str] = []
        link.on_refused = lambda tag: faults.append("refused")
        link.on_returned = lambda properties: faults.append("no queue")
        kept = {
            name: value
            for name, value in message.properties.items()
            if name in ("content_type", "message_id", "timestamp", "type")
        }
        link.publish(
            _bytes(message.body),
            exchange,
            queue,
            application_headers=headers,
            delivery_mode=PERSISTENT,
            **kept,
        )
        link.wait_for_confirms()
        if faults:
            raise NotForwarded(faults[0])

    def _open(self) -> ConfirmingChannel:
        if self._link is not None:
            try:
                self._link.keep_alive()
            except CONNECTION_FAULTS:
                self._drop()
        if self._link is None:
            url = self.container.config[AMQP_URI_CONFIG_KEY]
            self._link = ConfirmingChannel(url, f"{self.container.service_name} retries", heartbeat_seconds=0)
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.abandon()


class EventEntrypoint(Consumer):  # type: ignore[misc]
    """Consumes the queue of one kind of event."""

    queue_consumer = BrokerConsumer()
    forwarder = Forwarder()

    def __init__(self, listener: EventListener, **kwargs: Any) -> None:
        self.listener = listener
        queue = Queue(listener.queue, no_declare=True)  # type: ignore[no-untyped-call]
        super().__init__(queue, **kwargs)

    def handle_message(self, body: None, message: Any) -> None:
        try:
            event = event_of(_bytes(message.body), message.content_type, self.listener.key)
        except NotTaken as fault:
            log.error("event_not_taken", queue=self.listener.queue, reason=fault.reason)
            self._settle(message, fault.reason, park=True)
        else:
            super().handle_message(event, message)

    def handle_message_processed(self, message: Any, result: Any = None, exc_info: Any = None) -> None:
        self._settle(message, result if exc_info is None else exc_info[0].__name__)

    def _settle(self, message: Any, outcome: str, *, park: bool = False) -> None:
        """Acknowledge what was handled; send on what was not, to be tried again or parked at once, and
        acknowledge it once the broker has taken it.
        """
        queue = self.listener.queue
        if outcome != OK:
            try:
                outcome = self._send_on(message, outcome, park)
            except NotForwarded as fault:
                log.error("event_not_sent_on", queue=queue, fault=str(fault))
                CONSUMER_MESSAGES.labels(queue=queue, outcome="requeued").inc()
                eventlet.sleep(REQUEUE_PAUSE_SECONDS)
                self.queue_consumer.requeue_message(message)
                return
        CONSUMER_MESSAGES.labels(queue=queue, outcome=outcome).inc()
        self.queue_consumer.ack_message(message)

    def _send_on(self, message: Any, reason: str, park: bool) -> str:
        listener = self.listener
        attempt = _attempt(message)
        dead = topology.dead_exchange(listener.consumer)
        exchange = dead if park else listener.exchange_after(attempt)
        headers: dict[str, Any] = {ATTEMPT_HEADER: attempt + 1, REASON_HEADER: reason}
        if exchange == dead:
            headers[PARKED_AT_HEADER] = clock.to_text(clock.now_us())
        self.forwarder.forward(message, exchange, listener.queue, headers)
        if exchange != dead:
            return "retried"
        CONSUMER_DEAD_LETTERED.labels(queue=listener.queue).inc()
        log.error("event_parked", queue=listener.queue, reason=reason, attempts=attempt)
        return "parked"


def _attempt(message: Any) -> int:
    """Which attempt this delivery is, from 1; a header that is no number counts as the first."""
    value = message.headers.get(ATTEMPT_HEADER)
    return value if isinstance(value, int) and value > 0 else 1


def _bytes(body: str | bytes | memoryview) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
