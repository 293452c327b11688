"""Calls over RabbitMQ, in nameko's wire protocol, from any process: plain threads, gevent or eventlet.

A request goes to the exchange nameko-rpc with the key "<service>.<method>" and the body `{"args": [],
"kwargs": {"message": {...}}}`; the answer comes to a queue of this process with the request's correlation id
and the body `{"result": {...}, "error": null}`.

One thread publishes, with a connection of its own on which the broker confirms what it took; one thread reads
answers with another. Neither is ever waited for beyond a call's deadline.
"""

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum, auto
from functools import cache
from typing import Any, cast

import amqp
import msgspec

from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import (
    CONNECTION_FAULTS,
    FIRST_PAUSE_SECONDS,
    HEARTBEAT_SECONDS,
    LONGEST_PAUSE_SECONDS,
    ConfirmingChannel,
    abandon,
    connect,
    interrupt,
)
from shared.messaging.client import Reply, reply_of, request_message
from shared.observability.logs import get_logger

MAX_UNCONFIRMED = 500
MAX_WAITING = 5_000
"""How many calls may wait to be handed to the broker; while it is away or takes nothing, more are refused."""
IDLE_SECONDS = HEARTBEAT_SECONDS / 4
CLOSE_SECONDS = 5.0
TRANSIENT = 1

log = get_logger(__name__)


class _State(Enum):
    WAITING = auto()
    """Not yet handed to the broker."""
    SENT = auto()
    RETURNED = auto()
    """The broker has no queue for it, or did not take it: it surely will not be carried out."""
    ANSWERED = auto()


class _Pending:
    """A call that waits for its answer."""

    __slots__ = ("body", "done", "id", "not_after", "reply", "routing_key", "state")

    def __init__(self, routing_key: str, body: bytes, not_after: int) -> None:
        self.id = uuid.uuid4().hex
        self.routing_key = routing_key
        self.body = body
        self.not_after = not_after
        self.state = _State.WAITING
        self.reply = b""
        self.done = threading.Event()


class AmqpClient:
    """See `shared.messaging.client.Client`. Connects with the first call, so that it may be made before a
    fork.
    """

    def __init__(self, url: str, *, name: str = "client") -> None:
        self._url = url
        self._name = name
        self._reply_queue = f"rpc.reply-{name}-{uuid.uuid4()}"
        self._condition = threading.Condition()
        self._outgoing: OrderedDict[str, _Pending] = OrderedDict()
        """Not handed to the broker yet, in their order."""
        self._pending: dict[str, _Pending] = {}
        self._threads: list[threading.Thread] = []
        self._reader: amqp.Connection | None = None
        self._closed = False

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
        kind: Any = None,
    ) -> Any:
        message = request_message(arguments, token, not_after)
        deadline = message["not_after"]
        if deadline < clock.now_us():
            raise Refusal("late", not_after=clock.to_text(deadline))
        body = msgspec.json.encode({"args": [], "kwargs": {"message": message}})
        pending = _Pending(f"{service}.{method}", body, deadline)
        self._enqueue(pending)
        try:
            pending.done.wait(max(0, deadline - clock.now_us()) / clock.MICROSECONDS)
        finally:
            state = self._ended(pending)
        if state is _State.ANSWERED:
            return _result(pending.reply, service, method, kind)
        if state is _State.SENT:
            raise Refusal("outcome-unknown", address="", after=clock.to_text(deadline))
        raise Refusal("service-unavailable", service=service)

    def close(self) -> None:
        """Close both connections. Calls that still wait end as they would at their deadline."""
        with self._condition:
            self._closed = True
            threads, reader = self._threads, self._reader
            for pending in self._pending.values():
                pending.done.set()
            self._condition.notify_all()
        if reader is not None:
            interrupt(reader)
        for thread in threads:
            thread.join(CLOSE_SECONDS)

    def _enqueue(self, pending: _Pending) -> None:
        with self._condition:
            if self._closed or len(self._outgoing) >= MAX_WAITING:
                raise Refusal("service-unavailable", service=pending.routing_key.partition(".")[0])
            if not self._threads:
                self._threads = [
                    threading.Thread(target=work, name=f"{self._name} {work.__name__}", daemon=True)
                    for work in (self._send_for_ever, self._read_for_ever)
                ]
                for thread in self._threads:
                    thread.start()
            self._pending[pending.id] = pending
            self._outgoing[pending.id] = pending
            self._condition.notify_all()

    def _ended(self, pending: _Pending) -> _State:
        """Forget a call that nobody waits for any more; how far it has come."""
        with self._condition:
            self._pending.pop(pending.id, None)
            self._outgoing.pop(pending.id, None)
            return pending.state

    # Sending

    def _send_for_ever(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closed:
            link = None
            try:
                link = self._open_sending()
                pause = FIRST_PAUSE_SECONDS
                while self._send_waiting(link):
                    pass
                link.close()
            except CONNECTION_FAULTS as fault:
                log.warning("rpc_sender_disconnected", fault=repr(fault))
                if link is not None:
                    link.abandon()
                self._rest(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _open_sending(self) -> ConfirmingChannel:
        link = ConfirmingChannel(self._url, f"{self._name} calls")
        self._declare(link.channel)
        return link

    def _declare(self, channel: amqp.Channel) -> None:
        topology.make_exchange(channel.connection, topology.RPC_EXCHANGE)
        channel.queue_declare(
            self._reply_queue,
            durable=False,
            exclusive=False,
            auto_delete=False,
            arguments=topology.reply_queue_arguments(),
        )
        channel.queue_bind(self._reply_queue, topology.RPC_EXCHANGE, self._reply_queue)

    def _send_waiting(self, link: ConfirmingChannel) -> bool:
        """Wait for requests and send them; False once closed."""
        with self._condition:
            if not self._outgoing and not self._closed:
                self._condition.wait(IDLE_SECONDS)
            if self._closed:
                return False
        # Learns whether the broker is gone before a request is handed to a dead connection.
        link.keep_alive()
        tags: dict[int, _Pending] = {}
        link.on_refused = lambda tag: self._finish(tags[tag], _State.RETURNED)
        link.on_returned = lambda properties: self._returned(properties["correlation_id"])
        while len(tags) < MAX_UNCONFIRMED and (pending := self._next_to_send()) is not None:
            tags[self._publish(link, pending)] = pending
        link.wait_for_confirms()
        return True

    def _next_to_send(self) -> _Pending | None:
        with self._condition:
            while self._outgoing:
                _, pending = self._outgoing.popitem(last=False)
                if pending.not_after > clock.now_us():
                    pending.state = _State.SENT
                    return pending
        return None

    def _publish(self, link: ConfirmingChannel, pending: _Pending) -> int:
        left_ms = max(1, (pending.not_after - clock.now_us()) // 1000)
        return link.publish(
            pending.body,
            topology.RPC_EXCHANGE,
            pending.routing_key,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=TRANSIENT,
            reply_to=self._reply_queue,
            correlation_id=pending.id,
            expiration=str(left_ms),
        )

    def _returned(self, correlation_id: str) -> None:
        with self._condition:
            pending = self._pending.get(correlation_id)
        if pending is not None:
            self._finish(pending, _State.RETURNED)

    def _finish(self, pending: _Pending, state: _State) -> None:
        with self._condition:
            pending.state = state
        pending.done.set()

    # Reading

    def _read_for_ever(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._closed:
            connection = None
            try:
                connection = connect(self._url, f"{self._name} answers")
                channel = connection.channel()
                self._declare(channel)
                channel.basic_consume(self._reply_queue, no_ack=True, callback=self._answered)
                with self._condition:
                    self._reader = connection
                pause = FIRST_PAUSE_SECONDS
                self._read(connection)
            except CONNECTION_FAULTS as fault:
                if not self._closed:
                    log.warning("rpc_reader_disconnected", fault=repr(fault))
                self._give_up_sent()
                self._rest(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            finally:
                if connection is not None:
                    abandon(connection)

    def _read(self, connection: amqp.Connection) -> None:
        checked = time.monotonic()
        while not self._closed:
            with suppress(TimeoutError):  # nothing came: time for a heartbeat
                connection.drain_events(timeout=IDLE_SECONDS)
            if time.monotonic() - checked > IDLE_SECONDS / 2:
                connection.heartbeat_tick()
                checked = time.monotonic()

    def _answered(self, message: amqp.Message) -> None:
        with self._condition:
            pending = self._pending.get(message.properties.get("correlation_id", ""))
            if pending is None:
                return  # its caller has gone
            pending.reply = message.body
            pending.state = _State.ANSWERED
        pending.done.set()

    def _give_up_sent(self) -> None:
        """End the calls that wait for an answer: a broker that went away took their reply queue with it.

        Their callers learn at once that the outcome is unknown, instead of at their deadline.
        """
        with self._condition:
            for pending in self._pending.values():
                if pending.state is _State.SENT:
                    pending.done.set()

    def _rest(self, seconds: float) -> None:
        with self._condition:
            if not self._closed:
                self._condition.wait_for(lambda: self._closed, seconds)


class _Answer(msgspec.Struct, frozen=True):
    """The body of an answer; nameko's `error` is a fault before or after the service's own method."""

    result: Reply | None = None
    error: dict[str, Any] | None = None


@cache
def _answer_of(kind: Any) -> type[_Answer]:
    fields = [("result", reply_of(kind) | None, None)]
    return cast(type[_Answer], msgspec.defstruct("_Answer", fields, bases=(_Answer,), frozen=True))


def _result(reply: bytes, service: str, method: str, kind: Any) -> Any:
    answer = msgspec.json.decode(reply, type=_answer_of(kind))
    if answer.error or answer.result is None:
        fault = (answer.error or {}).get("exc_type")
        log.error("rpc_failed_in_transport", service=service, method=method, fault=fault)
        if fault == "MethodNotFound":
            raise Refusal("unknown-call", service=service, call=method)
        raise Refusal("internal-error")
    return answer.result.value()
