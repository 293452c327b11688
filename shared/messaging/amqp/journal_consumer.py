"""Consumes a ledger's journal, in order, in a process of plain threads.

Nothing depends on a single message (a consumer that misses one pulls), so every message is acknowledged,
whatever its handling came to.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import amqp
import msgspec

from shared.contracts.events import BATCH_CONTENT_TYPE
from shared.contracts.journal import JournalRecord, decode_batch
from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import (
    CONNECTION_FAULTS,
    FIRST_PAUSE_SECONDS,
    HEARTBEAT_SECONDS,
    LONGEST_PAUSE_SECONDS,
    abandon,
    connect,
    interrupt,
)
from shared.messaging.service import JournalHandler, Service
from shared.observability.logs import get_logger
from shared.observability.metrics import CONSUMER_DURATION, CONSUMER_MESSAGES, timed

STOP_SECONDS = 30.0

log = get_logger(__name__)


class JournalConsumer:
    """Hands the batches of the journals that a service listens to, one at a time, to its handlers.

    One thread reads and handles. While a handler works, a second thread sends the heartbeats, so that a long
    piece of work does not look like a dead consumer; heartbeats themselves are wanted, since with a single
    active consumer the broker must notice a host that vanished before it lets another one have its turn.
    """

    def __init__(
        self,
        service: Service,
        resources: Any,
        url: str,
        *,
        partitions: Sequence[int] = (0,),
        heartbeat_seconds: int = HEARTBEAT_SECONDS,
    ) -> None:
        self._service = service
        self._resources = resources
        self._url = url
        self._partitions = tuple(partitions)
        self._name = f"{service.name} journal"
        self._heartbeat_seconds = heartbeat_seconds
        self._idle_seconds = heartbeat_seconds / 4
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connection: amqp.Connection | None = None
        self._working = False
        self._threads = [
            threading.Thread(target=work, name=f"{self._name} {work.__name__}", daemon=True)
            for work in (self._consume_for_ever, self._send_heartbeats)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for the handler that is at work, if any, and end."""
        self._stopping.set()
        with self._lock:
            if self._connection is not None and not self._working:
                interrupt(self._connection)
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _consume_for_ever(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            connection = None
            try:
                connection = connect(self._url, self._name, heartbeat_seconds=self._heartbeat_seconds)
                self._subscribe(connection)
                pause = FIRST_PAUSE_SECONDS
                self._drain(connection)
            except CONNECTION_FAULTS as fault:
                if not self._stopping.is_set():
                    log.warning("journal_consumer_disconnected", fault=repr(fault), retry_seconds=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            finally:
                with self._lock:
                    self._connection = None
                if connection is not None:
                    abandon(connection)

    def _subscribe(self, connection: amqp.Connection) -> None:
        topology.declare_journals(self._service, self._url, self._partitions)
        channel = connection.channel()
        channel.basic_qos(0, 1, False)
        for source, handler in self._service.journals.items():
            for partition in self._partitions:
                queue = topology.journal_queue(self._service.name, source, partition)
                channel.basic_consume(queue, callback=partial(self._receive, connection, queue, handler))

    def _drain(self, connection: amqp.Connection) -> None:
        with self._lock:
            self._connection = connection
        while not self._stopping.is_set():
            with suppress(TimeoutError):  # nothing came: time for a heartbeat
                connection.drain_events(timeout=self._idle_seconds)
            connection.heartbeat_tick()

    def _receive(
        self, connection: amqp.Connection, queue: str, handler: JournalHandler, message: amqp.Message
    ) -> None:
        with self._lock:
            self._working = True
        try:
            outcome = self._handle(queue, handler, message)
        finally:
            with self._lock:
                self._working = False
        CONSUMER_MESSAGES.labels(queue=queue, outcome=outcome).inc()
        message.channel.basic_ack(message.delivery_tag)

    def _handle(self, queue: str, handler: JournalHandler, message: amqp.Message) -> str:
        try:
            records = _decode(message)
        except (
            msgspec.MsgspecError,
            RecursionError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
        ) as fault:
            log.error("journal_batch_undecodable", queue=queue, fault=repr(fault))
            return "undecodable"
        with timed(CONSUMER_DURATION, queue=queue) as outcome:
            try:
                handler(self._resources, records)
            except Exception:
                outcome.set("error")
                log.exception(
                    "journal_batch_failed", queue=queue, first=records[0].sequence if records else 0
                )
        return outcome.value

    def _send_heartbeats(self) -> None:
        """Keep the connection alive while the other thread, whose it is otherwise, works in a handler."""
        while not self._stopping.wait(self._idle_seconds):
            with self._lock:
                if self._working and self._connection is not None:
                    with suppress(
                        *CONNECTION_FAULTS
                    ):  # the other thread meets the fault when it acknowledges
                        self._connection.send_heartbeat()


def _decode(message: amqp.Message) -> list[JournalRecord]:
    content_type = message.properties.get("content_type")
    if content_type != BATCH_CONTENT_TYPE:
        raise ValueError(f"content type {content_type}")
    return decode_batch(bytes(message.body))
