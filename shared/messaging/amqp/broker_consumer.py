"""nameko's consumer of queues, made to outlive whatever happens to the broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import eventlet
from amqp.exceptions import RecoverableConnectionError
from kombu import Connection
from nameko.constants import AMQP_URI_CONFIG_KEY
from nameko.messaging import QueueConsumer

from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import (
    CONNECTION_FAULTS,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    connection_parameters,
    reading_ahead,
)
from shared.observability.logs import get_logger

LOOK_UP_SECONDS = 0.25
"""How long the consumer reads at most before it looks whether it is asked to stop or owes a heartbeat."""

log = get_logger(__name__)


class BrokerConsumer(QueueConsumer):  # type: ignore[misc]
    """Hands messages to its providers as they came, undecoded: kombu's own decoding drops what it cannot
    read.

    Differs from nameko's in that a lost connection never ends the container: it reconnects sooner, makes the
    queues again, survives an acknowledgement that came too late, and can be stopped while the broker is away.
    """

    should_stop: bool
    _pending_remove_providers: dict[Any, Any]

    @property
    def connection(self) -> Connection:
        return connection_parameters(
            self.container.config[AMQP_URI_CONFIG_KEY], f"{self.container.service_name} consumer"
        )

    def run(self, *args: Any, **kwargs: Any) -> None:
        while not self.should_stop:
            try:
                super().run(*args, safety_interval=LOOK_UP_SECONDS, **kwargs)
            except AttributeError as fault:  # py-amqp, where the connection was closed under its hands
                log.warning("consumer_disconnected", fault=repr(fault))

    @contextmanager
    def establish_connection(self) -> Iterator[Connection]:
        with self.create_connection() as connection:
            self._connect_patiently(connection)
            yield connection

    def _connect_patiently(self, connection: Connection) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                connection._connection = reading_ahead(connection.transport.establish_connection())
                connection._closed = False
                return
            except CONNECTION_FAULTS as fault:
                log.warning("consumer_cannot_connect", fault=repr(fault), retry_seconds=pause)
            eventlet.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            if self._pending_remove_providers:
                self._cancel_consumers_if_requested()
                self.should_stop = self.should_stop or not self._consumers
            if self.should_stop:
                raise RecoverableConnectionError("asked to stop while the broker is away")

    def on_connection_revived(self) -> None:
        service = self.container.service_cls
        topology.declare_served(service.table, self.amqp_uri, service.retry_delays_seconds)

    def get_consumers(self, consumer_cls: Any, channel: Any) -> list[Any]:
        self._consumers = {}
        for provider in self._providers:
            # A provider that says how does without a green thread to hand its messages out.
            on_message = getattr(provider, "on_message", None) or partial(self.handle_message, provider, None)
            consumer = consumer_cls(queues=[provider.queue], on_message=on_message, no_ack=False)
            consumer.qos(prefetch_count=self.prefetch_count)
            self._consumers[provider] = consumer
        return list(self._consumers.values())

    def _cancel_consumers_if_requested(self) -> None:
        requested, self._pending_remove_providers = self._pending_remove_providers, {}
        for provider, removed in requested.items():
            consumer = self._consumers.pop(provider, None)
            try:
                if consumer is not None:
                    consumer.cancel()
            except CONNECTION_FAULTS as fault:  # nothing is left to cancel
                log.warning("consumer_lost", fault=repr(fault))
            removed.send()

    def ack_message(self, message: Any) -> None:
        """Acknowledge; where the connection is gone, the broker delivers it again, which handlers must bear
        anyway.
        """
        self._answer(message.ack)

    def requeue_message(self, message: Any) -> None:
        self._answer(message.requeue)

    def _answer(self, answer: Any) -> None:
        try:
            answer()
        except CONNECTION_FAULTS as fault:
            log.warning("acknowledgement_lost", fault=repr(fault))
