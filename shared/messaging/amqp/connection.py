"""Connections to RabbitMQ, and a channel that knows which of its messages the broker has taken."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import amqp
from amqp import spec
from amqp.exceptions import ChannelError
from amqp.transport import TCPTransport
from kombu import Connection

CONNECT_SECONDS = 3.0
HEARTBEAT_SECONDS = 30
CONFIRM_SECONDS = 20.0
"""How long the broker may take to confirm a message before the connection counts as broken."""

READ_BYTES = 16 * 1024
"""How much a connection reads at once, beyond what it waits for."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
"""Pauses between attempts to reconnect double from the first to the longest."""

CONNECTION_FAULTS: tuple[type[BaseException], ...] = (
    *amqp.Connection.connection_errors,
    *amqp.Connection.channel_errors,
    AttributeError,
)
"""What a broken connection raises; py-amqp lets an AttributeError out where it was closed under its hands."""


def connection_parameters(url: str, name: str, *, heartbeat_seconds: int = HEARTBEAT_SECONDS) -> Connection:
    """A connection to be opened; `name` is what the broker's lists show for it."""
    return Connection(  # type: ignore[no-untyped-call]
        url,
        heartbeat=heartbeat_seconds,
        connect_timeout=CONNECT_SECONDS,
        transport_options={
            "client_properties": {"connection_name": f"{name} {socket.gethostname()}:{os.getpid()}"}
        },
    )


def connect(url: str, name: str, *, heartbeat_seconds: int = HEARTBEAT_SECONDS) -> amqp.Connection:
    """An open connection. Raises one of CONNECTION_FAULTS."""
    parameters = connection_parameters(url, name, heartbeat_seconds=heartbeat_seconds)
    return reading_ahead(parameters.transport.establish_connection())


def reading_ahead(connection: amqp.Connection) -> amqp.Connection:
    """Have a connection read whatever has come in at once. By itself, py-amqp asks its socket three times for
    every frame: for its head, for what it holds, and for its last byte.
    """
    transport = connection._transport
    # Through TLS a read is served from what has been deciphered already.
    if isinstance(transport, TCPTransport):
        receive = transport.sock.recv
        transport._quick_recv = lambda size: receive(max(size, READ_BYTES))
    return connection


def keep_alive(connection: amqp.Connection) -> None:
    """Read what has come in, without waiting, and send a heartbeat where one is due."""
    try:
        while True:
            connection.drain_events(timeout=0)
    except TimeoutError:
        connection.heartbeat_tick()


def interrupt(connection: amqp.Connection) -> None:
    """Make the thread that reads from this connection fail at once; may be called from any thread."""
    transport = connection._transport
    if transport is not None and transport.sock is not None:
        with suppress(OSError):  # already closed by the other side
            transport.sock.shutdown(socket.SHUT_RDWR)


def abandon(connection: amqp.Connection) -> None:
    """Close without a word to the broker: for a connection that is broken."""
    interrupt(connection)
    connection.collect()


def publish(
    channel: amqp.Channel, message: amqp.Message, exchange: str, routing_key: str, *, mandatory: bool = False
) -> None:
    """Send a message. Not by basic_publish, which looks for incoming data first, every time: half of the
    whole cost.
    """
    arguments = (0, exchange, routing_key, mandatory, False)
    channel.send_method(spec.Basic.Publish, "Bssbb", arguments, message)


class ConfirmingChannel:
    """A connection of its own with one channel, on which the broker confirms every message; confirms are
    pipelined.

    For one thread at a time. Every method may raise one of CONNECTION_FAULTS; then the object is to be
    abandoned.
    """

    def __init__(self, url: str, name: str, *, heartbeat_seconds: int = HEARTBEAT_SECONDS) -> None:
        self.connection = connect(url, name, heartbeat_seconds=heartbeat_seconds)
        self.channel = self.connection.channel()
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._on_ack)
        self.channel.events["basic_nack"].add(self._on_nack)
        self.channel.events["basic_return"].add(self._on_return)
        self._last_tag = 0
        self._unconfirmed: dict[int, None] = {}
        self.on_refused: Callable[[int], None] = lambda tag: None
        self.on_returned: Callable[[Mapping[str, Any]], None] = lambda properties: None

    @property
    def unconfirmed(self) -> int:
        """How many messages the broker has neither taken nor refused yet."""
        return len(self._unconfirmed)

    def publish(
        self, body: bytes, exchange: str, routing_key: str, *, mandatory: bool = True, **properties: Any
    ) -> int:
        """Send a message and return its tag.

        `on_refused` is called with the tag where the broker refuses it, `on_returned` with its properties
        where nobody listens (such a message counts as confirmed).
        """
        self._last_tag += 1
        self._unconfirmed[self._last_tag] = None
        publish(self.channel, amqp.Message(body, **properties), exchange, routing_key, mandatory=mandatory)
        return self._last_tag

    def wait_for_confirms(self, at_most: int = 0) -> None:
        """Wait until no more than `at_most` messages are unconfirmed."""
        while len(self._unconfirmed) > at_most:
            self.connection.drain_events(timeout=CONFIRM_SECONDS)

    def keep_alive(self) -> None:
        keep_alive(self.connection)

    def close(self) -> None:
        self.connection.close()

    def abandon(self) -> None:
        abandon(self.connection)

    def _confirmed(self, tag: int, multiple: bool) -> list[int]:
        if not multiple:
            return [tag] if self._unconfirmed.pop(tag, ()) is None else []
        tags = [waiting for waiting in self._unconfirmed if waiting <= tag]
        for confirmed in tags:
            del self._unconfirmed[confirmed]
        return tags

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._confirmed(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for refused in self._confirmed(tag, multiple):
            self.on_refused(refused)

    def _on_return(self, error: ChannelError, exchange: str, routing_key: str, message: amqp.Message) -> None:
        self.on_returned(message.properties)
