"""Names and arguments of all exchanges and queues.

RPC, as nameko lays it out:

    callers --> nameko-rpc (topic) -- <service>.* --> rpc-<service> --> the service's replicas
            <-- rpc.reply-<caller> <-- reply_to -- nameko-rpc <------------'

`rpc-<service>` is classic and takes messages with a time to live; it vanishes when nobody has consumed it for
a while, so that calls of a service that is gone are answered at once instead of waiting out their deadline.

Everything that a consumer owns begins with its name, so that its broker user needs no more than that:

    <source>.events (topic)
        | <routing key>                          <consumer>.redeliver (direct)
        v                                                 | key = name of the queue
    <consumer>.<source>.<routing key>  <------------------'<---------------------------.
        | handler fails: confirmed publish, key = name of the queue, then acknowledged  | time to live over
        |---> <consumer>.retry.<milliseconds> (fanout) --> <consumer>.retry.<milliseconds>
        | last attempt, no event of the queue, or the broker's own delivery limit
        '---> <consumer>.dead (direct) --> <consumer>.<source>.<routing key>.dead

    ledger.events -- journal.v1.<partition> --> <consumer>.journal.v1.<partition>  (drop-head)

Quorum queues take over every message at least once. A full one refuses (reject-publish), except for a
journal's, whose oldest message is dropped: its consumer pulls what it misses, and the ledger must never wait
for a consumer. All arguments are accepted by RabbitMQ 3.10 and 4.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import amqp
from amqp.exceptions import NotFound
from kombu import Exchange, Queue

from shared.messaging.amqp.connection import connect
from shared.messaging.service import Service

RPC_EXCHANGE = "nameko-rpc"
RPC_TTL_SECONDS = 60
"""How long a request may wait at most; each one's own deadline is nearer as a rule."""
RPC_QUEUE_EXPIRES_SECONDS = 30
"""How long a service may be away (a restart) before its queue vanishes and callers hear at once that it is
gone.
"""
RPC_QUEUE_LENGTH = 10_000
"""How many requests may wait; further ones are refused at once as `service-unavailable`."""
REPLY_QUEUE_EXPIRES_SECONDS = 60

RETRY_DELAYS_SECONDS = (1.0, 10.0, 60.0, 600.0)
"""Pauses between the attempts of an event handler; after the last attempt the event is parked."""
DELIVERY_LIMIT = 20
ATTEMPT_HEADER = "x-medtown-attempt"
"""Which attempt, from 1, the next handling of a message is."""
REASON_HEADER = "x-medtown-reason"
PARKED_AT_HEADER = "x-medtown-parked-at"
JOURNAL_QUEUE_LENGTH = 100


def events_exchange(service: str) -> str:
    return f"{service}.events"


def event_queue(consumer: str, key: str) -> str:
    """The queue of a consumer for events with this key ("<service>.<routing key>")."""
    return f"{consumer}.{key}"


def consumer_of(queue: str) -> str:
    """The consumer whose event queue this is."""
    return queue.partition(".")[0]


def dead_queue(queue: str) -> str:
    return f"{queue}.dead"


def dead_exchange(consumer: str) -> str:
    return f"{consumer}.dead"


def retry_exchange(consumer: str, delay_seconds: float) -> str:
    """The exchange, and the queue, in which a consumer's failed events wait."""
    return f"{consumer}.retry.{_milliseconds(delay_seconds)}"


def redeliver_exchange(consumer: str) -> str:
    return f"{consumer}.redeliver"


def journal_routing_key(partition: int | str) -> str:
    return f"journal.v1.{partition}"


def journal_queue(consumer: str, source: str, partition: int | str) -> str:
    """The queue of a consumer for the journal of a partition; `source` is the service that writes it."""
    prefix = consumer if source == "ledger" else f"{consumer}.{source}"
    return f"{prefix}.{journal_routing_key(partition)}"


def rpc_queue(service: str) -> Queue:
    return Queue(  # type: ignore[no-untyped-call]
        f"rpc-{service}",
        exchange=Exchange(RPC_EXCHANGE, type="topic", no_declare=True),  # type: ignore[no-untyped-call]
        routing_key=f"{service}.*",
        durable=True,
        queue_arguments={
            "x-message-ttl": RPC_TTL_SECONDS * 1000,
            "x-expires": RPC_QUEUE_EXPIRES_SECONDS * 1000,
            "x-max-length": RPC_QUEUE_LENGTH,
            "x-overflow": "reject-publish",
        },
    )


def reply_queue_arguments() -> dict[str, Any]:
    return {"x-expires": REPLY_QUEUE_EXPIRES_SECONDS * 1000}


def declare(
    services: Iterable[Service],
    url: str,
    *,
    partitions: Sequence[int] = (0,),
    retry_delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS,
) -> None:
    """Make every queue that these services consume events and journals from; what exists already stays as it
    is.

    To be called before any relay starts, since an event that meets no queue is gone. Raises one of
    CONNECTION_FAULTS.
    """
    with connect(url, "topology") as connection:
        declarer = Declarer(connection)
        for service in services:
            declarer.events(service, retry_delays_seconds)
            declarer.journals(service, partitions)


def all_declared(services: Iterable[Service], url: str, *, partitions: Sequence[int] = (0,)) -> bool:
    """Whether every queue is there that `declare` would make. Asking needs no permission. Raises one of
    CONNECTION_FAULTS.
    """
    listed = list(services)
    queues = [event_queue(service.name, key) for service in listed for key in service.events]
    queues += [
        journal_queue(service.name, source, partition)
        for service in listed
        for source in service.journals
        for partition in partitions
    ]
    with connect(url, "topology") as connection:
        try:
            with connection.channel() as channel:
                for queue in queues:
                    channel.queue_declare(queue, passive=True)
        except NotFound:  # which has closed that channel
            return False
    return True


def declare_served(service: Service, url: str, retry_delays_seconds: Sequence[float]) -> None:
    """As `declare`, for what a process that serves one service needs: its events, and the exchange of
    calls.
    """
    with connect(url, "topology") as connection:
        make_exchange(connection, RPC_EXCHANGE)
        Declarer(connection).events(service, retry_delays_seconds)


def declare_journals(service: Service, url: str, partitions: Sequence[int]) -> None:
    """As `declare`, for the journals of one service alone."""
    with connect(url, "topology") as connection:
        Declarer(connection).journals(service, partitions)


def make_exchange(connection: amqp.Connection, name: str) -> None:
    """Make a durable topic exchange unless it is there: asking needs no permission, making it does."""
    try:
        with connection.channel() as channel:
            channel.exchange_declare(name, "topic", passive=True)
    except NotFound:  # which has closed that channel
        with connection.channel() as channel:
            channel.exchange_declare(name, "topic", durable=True, auto_delete=False)


class Declarer:
    """Declares over one connection."""

    def __init__(self, connection: amqp.Connection) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._known: set[str] = set()

    def events(self, service: Service, retry_delays_seconds: Sequence[float]) -> None:
        if service.events:
            self._retry_paths(service.name, retry_delays_seconds)
        for key in service.events:
            self._event_queue(service.name, key)

    def journals(self, service: Service, partitions: Sequence[int]) -> None:
        for source in service.journals:
            for partition in partitions:
                self._journal_queue(service.name, source, partition)

    def _own_exchange(self, name: str, kind: str) -> None:
        self._channel.exchange_declare(name, kind, durable=True, auto_delete=False)

    def _exchange(self, name: str) -> None:
        if name not in self._known:
            make_exchange(self._connection, name)
            self._known.add(name)

    def _retry_paths(self, consumer: str, delays_seconds: Sequence[float]) -> None:
        redeliver = redeliver_exchange(consumer)
        self._own_exchange(redeliver, "direct")
        self._own_exchange(dead_exchange(consumer), "direct")
        for delay in delays_seconds:
            waiting = retry_exchange(consumer, delay)
            self._own_exchange(waiting, "fanout")
            arguments = {"x-message-ttl": _milliseconds(delay), **_dead_lettering(redeliver)}
            self._queue(waiting, arguments, (waiting, ""))

    def _event_queue(self, consumer: str, key: str) -> None:
        queue, dead = event_queue(consumer, key), dead_exchange(consumer)
        source, _, routing_key = key.partition(".")
        self._exchange(events_exchange(source))
        self._queue(dead_queue(queue), _quorum(), (dead, queue))
        arguments = {
            **_dead_lettering(dead),
            "x-dead-letter-routing-key": queue,
            "x-delivery-limit": DELIVERY_LIMIT,
        }
        self._queue(
            queue,
            arguments,
            (events_exchange(source), routing_key),
            (redeliver_exchange(consumer), queue),
        )

    def _journal_queue(self, consumer: str, source: str, partition: int) -> None:
        self._exchange(events_exchange(source))
        arguments = {
            **_quorum(),
            "x-single-active-consumer": True,
            "x-max-length": JOURNAL_QUEUE_LENGTH,
            "x-overflow": "drop-head",
        }
        self._queue(
            journal_queue(consumer, source, partition),
            arguments,
            (events_exchange(source), journal_routing_key(partition)),
        )

    def _queue(self, name: str, arguments: dict[str, Any], *bindings: tuple[str, str]) -> None:
        self._channel.queue_declare(
            name, durable=True, exclusive=False, auto_delete=False, arguments=arguments
        )
        for exchange, routing_key in bindings:
            self._channel.queue_bind(name, exchange, routing_key)


def _quorum() -> dict[str, Any]:
    return {"x-queue-type": "quorum"}


def _dead_lettering(exchange: str) -> dict[str, Any]:
    return {
        **_quorum(),
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
