"""The entrypoint of calls: nameko's, with compiled JSON and answers over one lasting connection."""

import sys
import threading
import time
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
from shared.messaging.amqp.connection import CONNECTION_FAULTS, abandon, connect, keep_alive, publish
from shared.observability.logs import get_logger

TRANSIENT = 1
LOOK_SECONDS = 0.5
"""How long an open connection is believed to be one."""

log = get_logger(__name__)


class Answers(SharedExtension):  # type: ignore[misc]
    """Sends answers over a connection of its own.

    It has no heartbeat, since nothing hangs on it: now and then, and always after a pause, publishing looks
    first whether the broker is still there, and TCP itself notices a peer that is gone.
    """

    def setup(self) -> None:
        self._lock = threading.Lock()
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None
        self._looked = 0.0

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
                    publish(self._open(), message, topology.RPC_EXCHANGE, reply_to)
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
            self._looked = time.monotonic()
        elif time.monotonic() - self._looked > LOOK_SECONDS:
            assert self._connection is not None
            keep_alive(self._connection)
            self._looked = time.monotonic()
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
        self._keyed: dict[str, CallEntrypoint] = {}
        if self.queue is None:
            self.queue = topology.rpc_queue(self.container.service_name)
            self.queue_consumer.register_provider(self)

    def on_message(self, message: Any) -> None:
        """Hand a request to a worker; where all are busy, by way of a green thread that waits for one."""
        if self.container._worker_pool.free() > 0:
            self.handle_message(None, message)
        else:
            self.queue_consumer.handle_message(self, None, message)

    def handle_message(self, body: None, message: Any) -> None:
        try:
            request = _read(message.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            log.error("rpc_request_undecodable", service=self.container.service_name)
            self.queue_consumer.ack_message(message)
            return
        if isinstance(request, _Message):
            provider = self._by_key.get(message.delivery_info["routing_key"])
            if provider is not None:
                provider.answer(request, message)
                return
            request = {"args": [], "kwargs": {"message": msgspec.structs.asdict(request)}}
        super().handle_message(request, message)

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        reply_to = message.properties.get("reply_to")
        if reply_to:
            correlation_id = message.properties.get("correlation_id", "")
            self.answers.send(reply_to, correlation_id, self._encode(result, exc_info))
        self.queue_consumer.ack_message(message)
        return result, exc_info

    @property
    def _by_key(self) -> dict[str, "CallEntrypoint"]:
        """The methods of the service by routing key, once all are known."""
        if not self._keyed:
            name = self.container.service_name
            self._keyed = {f"{name}.{each.method_name}": each for each in self._providers}
        return self._keyed

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


def _read(body: bytes) -> _Message | dict[str, Any]:
    """The message of a request; the whole body of one that has another form, for nameko to refuse."""
    try:
        return _decode(body).kwargs.message
    except msgspec.ValidationError:
        plain: dict[str, Any] = msgspec.json.decode(body)
        return plain


class CallEntrypoint(Rpc):  # type: ignore[misc]
    """A method of a service that others call.

    Requests of our own form run without nameko's worker context, of which our services use nothing: its ids,
    dependencies and timing logs cost more than many a call.
    """

    rpc_consumer = Requests()

    def answer(self, request: _Message, message: Any) -> None:
        """Have a worker of the container answer a request."""
        container = self.container
        if container._being_killed:
            self.rpc_consumer.requeue_message(message)
            return
        worker = container._worker_pool.spawn(self._run, request, message)
        # As the container does with its own: it waits for them when it stops, and ends where one fails.
        container._worker_threads[worker] = worker
        worker.link(container._handle_worker_thread_exited, worker)

    def _run(self, request: _Message, message: Any) -> None:
        result, exc_info = None, None
        try:
            method = getattr(self.container.service_cls(), self.method_name)
            result = method(msgspec.structs.asdict(request))
        except Exception:
            exc_info = sys.exc_info()
            log.exception("rpc_failed", method=self.method_name)
        self.rpc_consumer.handle_result(message, result, exc_info)
