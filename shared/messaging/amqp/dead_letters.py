"""The dead letters on RabbitMQ: what lies in the queues `<consumer>.<source>.<routing key>.dead`.

To look at a message is to take it: here it is taken without acknowledgement, so that the broker puts it back
into its queue when the channel closes, also where this process is killed. A replay is acknowledged only once
the broker has confirmed the message in the consumer's queue. One tool at a time: while one holds messages,
another would not see them.

RabbitMQ counts every look as a delivery that failed, and RabbitMQ 4 throws a message away at the twentieth.
So a message that was looked at often is put into its queue anew, confirmed, before it is taken out.
"""

import builtins
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import amqp
from amqp.exceptions import NotFound, ResourceLocked

from shared.contracts import clock
from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import CONNECTION_FAULTS, ConfirmingChannel
from shared.messaging.amqp.topology import ATTEMPT_HEADER, PARKED_AT_HEADER, REASON_HEADER
from shared.messaging.dead_letters import (
    MAX_LISTED,
    DeadLetter,
    DeadLettersUnavailable,
    ShownLetter,
    letter_id,
    type_of,
)
from shared.messaging.redaction import shown

LOCK_QUEUE = "tools.dead-letters"
"""An exclusive queue: who could declare it is alone, and it goes with the connection."""
DELIVERY_COUNT_HEADER = "x-delivery-count"
RENEWED_AT_COUNT = 10
PERSISTENT = 2
GIVING_BACK_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.01
DELIVERY_LIMIT_REASON = "delivery-limit"
_KEPT = ("content_type", "content_encoding", "message_id", "timestamp", "type")


class _Taken:
    """A message that was taken, and whether it is acknowledged."""

    def __init__(self, letter: DeadLetter, body: bytes, message: amqp.Message, channel: amqp.Channel) -> None:
        self.letter = letter
        self.body = body
        self.properties = message.properties
        self.headers: dict[str, Any] = message.headers or {}
        self._tag = message.delivery_tag
        self._channel = channel
        self.settled = False

    def settle(self) -> None:
        self._channel.basic_ack(self._tag)
        self.settled = True


class AmqpDeadLetters:
    """See `shared.messaging.dead_letters.DeadLetters`. `queues` are those of all consumers that are
    known; others must be named. One tool at a time: a second one is refused.
    """

    def __init__(self, url: str, queues: Sequence[str]) -> None:
        self._url = url
        self._queues = tuple(queues)

    def list(self, queue: str | None) -> builtins.list[DeadLetter]:
        with self._alone() as link:
            letters = [taken.letter for taken in self._look(link, queue)]
        # What was looked at goes back in any order.
        return sorted(letters, key=lambda letter: (letter.queue, letter.parked_at, letter.id))

    def show(self, letter: str) -> ShownLetter | None:
        found = None
        with self._alone() as link:
            # To the end, so that all is given back before another look.
            for taken in self._look(link, None):
                if taken.letter.id == letter:
                    found = ShownLetter(taken.letter, shown(taken.body))
        return found

    def replay(self, letter: str | None, queue: str | None) -> int:
        replayed = 0
        with self._alone() as link:
            for taken in self._look(link, queue):
                if letter in (None, taken.letter.id):
                    name = taken.letter.queue
                    _move(link, taken, topology.redeliver_exchange(topology.consumer_of(name)), {})
                    replayed += 1
        return replayed

    def drop(self, letter: str) -> int:
        dropped = 0
        with self._alone() as link:
            for taken in self._look(link, None):
                if taken.letter.id == letter:
                    taken.settle()
                    dropped += 1
        return dropped

    @contextmanager
    def _alone(self) -> Iterator[ConfirmingChannel]:
        """A connection of its own; what was taken over it and not acknowledged returns when it ends."""
        link = None
        try:
            link = ConfirmingChannel(self._url, "dead letters", heartbeat_seconds=0)
            link.connection.channel().queue_declare(LOCK_QUEUE, exclusive=True, auto_delete=False)
            yield link
            link.close()
            link = None
        except ResourceLocked as fault:
            raise DeadLettersUnavailable("another tool looks at the dead letters just now") from fault
        except CONNECTION_FAULTS as fault:
            raise DeadLettersUnavailable(f"the broker refuses or does not answer: {fault}") from fault
        finally:
            if link is not None:
                link.abandon()

    def _look(self, link: ConfirmingChannel, queue: str | None) -> Iterator[_Taken]:
        for name in self._queues if queue is None else (queue,):
            try:
                yield from _take_all(link, name)
            except NotFound:
                if queue is not None:
                    raise DeadLettersUnavailable(f"there is no queue {topology.dead_queue(name)}") from None
                # Its consumer has never been started.


def _take_all(link: ConfirmingChannel, queue: str) -> Iterator[_Taken]:
    """What lies in the queue now, not what comes to it meanwhile."""
    dead = topology.dead_queue(queue)
    channel = link.connection.channel()
    channel.auto_decode = False
    stay = 0
    for _ in range(min(_count(channel, dead), MAX_LISTED)):
        message = channel.basic_get(dead)
        if message is None:
            break
        taken = _Taken(_letter(queue, message), _body(message), message, channel)
        yield taken
        if taken.settled:
            continue
        stay += 1
        count = taken.headers.get(DELIVERY_COUNT_HEADER)
        if isinstance(count, int) and count >= RENEWED_AT_COUNT:
            headers = {name: value for name, value in taken.headers.items() if name != DELIVERY_COUNT_HEADER}
            _move(link, taken, topology.dead_exchange(topology.consumer_of(queue)), headers)
    _give_back(channel, dead, stay)


def _give_back(channel: amqp.Channel, dead: str, stay: int) -> None:
    """Put back what is held, and see that all that stay are there: the broker would put them back by itself
    when the connection ends, but a moment later, when somebody may look already.
    """
    if not stay:
        return
    channel.basic_recover(requeue=True)
    ends = time.monotonic() + GIVING_BACK_SECONDS
    while _count(channel, dead) < stay and time.monotonic() < ends:
        time.sleep(LOOK_AGAIN_SECONDS)


def _count(channel: amqp.Channel, dead: str) -> int:
    return int(channel.queue_declare(dead, passive=True).message_count)


def _move(link: ConfirmingChannel, taken: _Taken, exchange: str, headers: dict[str, Any]) -> None:
    """Publish it for its consumer's queue, or for its parking place, and only then take it out."""
    faults: builtins.list[str] = []
    link.on_refused = lambda tag: faults.append("the broker did not take it")
    link.on_returned = lambda properties: faults.append("its queue is gone")
    kept = {name: value for name, value in taken.properties.items() if name in _KEPT}
    link.publish(
        taken.body,
        exchange,
        taken.letter.queue,
        application_headers=headers,
        delivery_mode=PERSISTENT,
        **kept,
    )
    link.wait_for_confirms()
    if faults:
        raise DeadLettersUnavailable(f"{taken.letter.id} stays where it is: {faults[0]}")
    taken.settle()


def _letter(queue: str, message: amqp.Message) -> DeadLetter:
    body, headers = _body(message), message.headers or {}
    died = _given_up_by_broker(headers)
    attempt = headers.get(ATTEMPT_HEADER)
    reason = headers.get(REASON_HEADER)
    return DeadLetter(
        id=letter_id(queue, str(message.properties.get("message_id", "")), body),
        queue=queue,
        type=type_of(body),
        parked_at=_parked_at(headers, died),
        attempts=topology.DELIVERY_LIMIT + 1 if died else attempt - 1 if isinstance(attempt, int) else 0,
        reason=DELIVERY_LIMIT_REASON if died else str(reason or ""),
        content_type=str(message.properties.get("content_type", "")),
        size=len(body),
    )


def _given_up_by_broker(headers: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the broker says of a message that it parked by itself; None for one that we have parked."""
    deaths = headers.get("x-death")
    if PARKED_AT_HEADER in headers or not isinstance(deaths, list) or not deaths:
        return None
    return deaths[0] if isinstance(deaths[0], dict) else None


def _parked_at(headers: Mapping[str, Any], died: Mapping[str, Any] | None) -> str:
    if died is None:
        return str(headers.get(PARKED_AT_HEADER, ""))
    time = died.get("time")
    if not isinstance(time, datetime):
        return ""
    return clock.to_text(int(time.replace(tzinfo=UTC).timestamp()) * clock.MICROSECONDS)


def _body(message: amqp.Message) -> bytes:
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)
