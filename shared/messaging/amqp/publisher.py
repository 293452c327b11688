"""Publishing over RabbitMQ for relays: persistent, confirmed, and fast because confirms are pipelined."""

import threading
from collections.abc import Sequence

from shared.messaging.amqp.connection import CONNECTION_FAULTS, ConfirmingChannel
from shared.messaging.amqp.topology import make_exchange
from shared.messaging.publisher import Message, PublishError

MAX_UNCONFIRMED = 500
PERSISTENT = 2


class AmqpPublisher:
    """See `shared.messaging.publisher.Publisher`. Connects with the first message, and again after a fault.

    It sends no heartbeats: nothing hangs on an idle connection, and each call looks first whether it still
    stands.
    """

    def __init__(self, url: str, *, name: str = "relay") -> None:
        self._url = url
        self._name = name
        self._lock = threading.Lock()
        self._link: ConfirmingChannel | None = None
        self._exchanges: set[str] = set()

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        with self._lock:
            try:
                return self._publish(self._open(messages), messages)
            except CONNECTION_FAULTS as fault:
                self._drop()
                raise PublishError(f"connection to the broker lost: {fault!r}") from fault

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _publish(self, link: ConfirmingChannel, messages: Sequence[Message]) -> list[bool]:
        unheard: set[str] = set()
        refused: list[int] = []
        link.on_returned = lambda properties: unheard.add(properties["message_id"])
        link.on_refused = refused.append
        for message in messages:
            link.publish(
                message.body,
                message.exchange,
                message.routing_key,
                content_type=message.content_type,
                delivery_mode=PERSISTENT,
                message_id=message.id,
            )
            if link.unconfirmed == MAX_UNCONFIRMED:
                link.wait_for_confirms(at_most=MAX_UNCONFIRMED // 2)
            if refused:
                break
        link.wait_for_confirms()
        if refused:
            raise PublishError(f"the broker refused {len(refused)} of {len(messages)} messages")
        return [message.id not in unheard for message in messages]

    def _open(self, messages: Sequence[Message]) -> ConfirmingChannel:
        if self._link is not None:
            try:
                self._link.keep_alive()
            except CONNECTION_FAULTS:
                self._drop()
        if self._link is None:
            self._link = ConfirmingChannel(self._url, self._name, heartbeat_seconds=0)
        for exchange in {message.exchange for message in messages} - self._exchanges:
            make_exchange(self._link.connection, exchange)
            self._exchanges.add(exchange)
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        self._exchanges.clear()
        if link is not None:
            link.abandon()
