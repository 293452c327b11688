"""The entrypoint of calls: nameko's, with compiled JSON and answers over one lasting connection."""

import threading
from typing import Annotated, Any

import amqp
import msgspec
from kombu import Queue
from msgspec import Meta
from nameko.constants import AMQP_URI_CONFIG_KEY
from nameko.exceptions import serialize
from nameko.extensions import SharedExtension
from nameko.rpc import Rpc, RpcConsumer

from shared.contracts.errors import Refusal
from shared.messaging.amqp import topology
from shared.messaging.amqp.broker_consumer import BrokerConsumer
from shared.messaging.amqp.connection import CONNECTION_FAULTS, abandon, connect
from shared.observability.logs import get_logger

TRANSIENT = 1

log = get_logger(__name__)


class Answers(SharedExtension):  # type: ignore[misc]
    """Sends answers over a connection of its own.

    It has no heartbeat, since nothing hangs on it: publishing looks first whether the broker is still there,
    and TCP itself notices a peer that is gone.
    """

    def setup(self) -> None:
        self._lock = threading.Lock()
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None

    def stop(self) -> None:
        with self._lock:
            self._drop()

    def send(self, reply_to: str, correlation_id: str, body: bytes) -> None:
        """Send, reconnecting once; an answer that cannot be sent is lost, and its caller told so by its
        deadline.
        """
        message = amqp.Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            correlation_id=correlation_id,
            delivery_mode=TRANSIENT,
        )
        with self._lock:
            for last_try in (False, True):
                try:
                    self._open().basic_publish(message, exchange=topology.RPC_EXCHANGE, routing_key=reply_to)
                    return
                except CONNECTION_FAULTS as fault:
                    self._drop()
                    if last_try:
                        log.warning("answer_lost", fault=repr(fault))

    def _open(self) -> amqp.Channel:
        if self._channel is None:
            name = f"{self.container.service_name} answers"
            self._connection = connect(self.container.config[AMQP_URI_CONFIG_KEY], name, heartbeat_seconds=0)
            self._channel = self._connection.channel()
        return self._channel

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            abandon(connection)


class Requests(RpcConsumer):  # type: ignore[misc]
    """The queue of a service's calls."""

    queue_consumer = BrokerConsumer()
    answers = Answers()
    queue: Queue | None

    def setup(self) -> None:
        if self.queue is None:
            self.queue = topology.rpc_queue(self.container.service_name)
            self.queue_consumer.register_provider(self)

    def handle_message(self, body: None, message: Any) -> None:
        try:
            request = _read(message.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            log.error("rpc_request_undecodable", service=self.container.service_name)
            self.queue_consumer.ack_message(message)
            return
        super().handle_message(request, message)

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        reply_to = message.properties.get("reply_to")
        if reply_to:
            correlation_id = message.properties.get("correlation_id", "")
            self.answers.send(reply_to, correlation_id, self._encode(result, exc_info))
        self.queue_consumer.ack_message(message)
        return result, exc_info

    def _encode(self, result: Any, exc_info: Any) -> bytes:
        error = None if exc_info is None else serialize(exc_info[1])
        try:
            return msgspec.json.encode({"result": result, "error": error})
        except (TypeError, ValueError):
            log.exception("rpc_answer_not_json", service=self.container.service_name)
            return msgspec.json.encode(
                {"result": {"refusal": Refusal("internal-error").to_wire()}, "error": None}
            )


class _Message(msgspec.Struct):
    """A request message (`shared.messaging.dispatch`), whose arguments are left as they came."""

    arguments: msgspec.Raw = msgspec.Raw(b"null")
    token: Any = None
    not_after: Any = None
    traceparent: Any = ""


class _Arguments(msgspec.Struct, forbid_unknown_fields=True):
    message: _Message


class _Body(msgspec.Struct):
    """The body of a request in nameko's wire protocol, as our own clients write it."""

    args: Annotated[list[Any], Meta(max_length=0)]
    kwargs: _Arguments


_decode = msgspec.json.Decoder(_Body).decode


def _read(body: bytes) -> dict[str, Any]:
    """The body of a request: one of another form than ours as plain data, for nameko to refuse."""
    try:
        message = _decode(body).kwargs.message
    except msgspec.ValidationError:
        plain: dict[str, Any] = msgspec.json.decode(body)
        return plain
    return {"args": [], "kwargs": {"message": msgspec.structs.asdict(message)}}


class CallEntrypoint(Rpc):  # type: ignore[misc]
    """A method of a service that others call."""

    rpc_consumer = Requests()
