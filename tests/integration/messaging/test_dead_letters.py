"""Dead letters on RabbitMQ beyond what every bus promises: nothing is lost, whoever looks or is killed."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from shared.contracts import clock
from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import ConfirmingChannel, connect
from shared.messaging.amqp.dead_letters import (
    DELIVERY_COUNT_HEADER,
    DELIVERY_LIMIT_REASON,
    LOCK_QUEUE,
    RENEWED_AT_COUNT,
    AmqpDeadLetters,
)
from shared.messaging.dead_letters import DeadLettersUnavailable
from shared.messaging.service import Service
from tests.integration.messaging.amqp_bus import unique
from tests.integration.messaging.bus_case import event_message
from tests.integration.messaging.probe import ROUTING_KEY, probe_service
from tests.support.broker import PrivateBroker
from tests.support.waiting import wait_until

WAIT_SECONDS = 10.0


@dataclass
class Consumer:
    """The queues of a consumer that nobody serves."""

    url: str
    source: str = field(default_factory=lambda: unique("source"))
    name: str = field(default_factory=lambda: unique("probe"))

    def __post_init__(self) -> None:
        topology.declare([self.table], self.url)

    @property
    def table(self) -> Service:
        return probe_service(self.name, self.source)

    @property
    def queue(self) -> str:
        return topology.event_queue(self.name, f"{self.source}.{ROUTING_KEY}")

    @property
    def letters(self) -> AmqpDeadLetters:
        return AmqpDeadLetters(self.url, [self.queue])

    def park(self, *subjects: str) -> None:
        """Put events into the parking place as a consumer does."""
        link = ConfirmingChannel(self.url, "tests")
        for subject in subjects:
            message = event_message(self.source, subject)
            headers = {topology.ATTEMPT_HEADER: 2, topology.REASON_HEADER: "ValueError"}
            link.publish(
                message.body,
                topology.dead_exchange(self.name),
                self.queue,
                content_type=message.content_type,
                message_id=message.id,
                application_headers=headers,
            )
        link.wait_for_confirms()
        link.close()

    def lengths(self) -> tuple[int, int]:
        """How many messages are ready in the queue, and in its parking place."""
        with connect(self.url, "tests") as connection, connection.channel() as channel:
            queue = channel.queue_declare(self.queue, passive=True).message_count
            dead = channel.queue_declare(topology.dead_queue(self.queue), passive=True).message_count
            return queue, dead


@pytest.fixture
def consumer(broker: PrivateBroker) -> Consumer:
    return Consumer(broker.amqp_url)


def test_what_the_broker_gave_up_itself_is_listed(consumer: Consumer) -> None:
    """A consumer that dies over an event again and again never says so: RabbitMQ counts."""
    message = event_message(consumer.source, "deadly")
    link = ConfirmingChannel(consumer.url, "tests")
    link.publish(message.body, message.exchange, message.routing_key, content_type=message.content_type)
    link.wait_for_confirms()
    channel = link.connection.channel()
    deliveries = 0

    def taken_and_returned() -> bool:
        nonlocal deliveries
        while (got := channel.basic_get(consumer.queue)) is not None:
            deliveries += 1
            channel.basic_reject(got.delivery_tag, requeue=True)
        return consumer.lengths() == (0, 1)

    wait_until(taken_and_returned, WAIT_SECONDS, "the broker to park it")
    link.close()
    [letter] = consumer.letters.list(None)
    assert letter.attempts == deliveries == topology.DELIVERY_LIMIT + 1
    assert letter.reason == DELIVERY_LIMIT_REASON
    assert abs(clock.now_us() - clock.from_text(letter.parked_at)) < 30 * clock.MICROSECONDS
    assert consumer.letters.replay(letter.id, None) == 1
    assert consumer.lengths() == (1, 0)


def test_looking_often_loses_nothing(consumer: Consumer) -> None:
    subjects = [f"letter {number}" for number in range(30)]
    consumer.park(*subjects)
    first = consumer.letters.list(None)
    assert len({letter.id for letter in first}) == 30
    for _ in range(2 * RENEWED_AT_COUNT + 3):
        assert consumer.letters.list(None) == first
    assert _highest_delivery_count(consumer) <= RENEWED_AT_COUNT + 1
    assert consumer.letters.replay(None, consumer.queue) == 30
    assert consumer.lengths() == (30, 0)


def _highest_delivery_count(consumer: Consumer) -> int:
    with connect(consumer.url, "tests") as connection, connection.channel() as channel:
        counts = []
        while (got := channel.basic_get(topology.dead_queue(consumer.queue))) is not None:
            counts.append(int((got.headers or {}).get(DELIVERY_COUNT_HEADER, 0)))
        assert len(counts) == 30
        return max(counts)


def test_one_tool_at_a_time(consumer: Consumer) -> None:
    consumer.park("held")
    with connect(consumer.url, "another tool") as connection, connection.channel() as channel:
        channel.queue_declare(LOCK_QUEUE, exclusive=True)
        with pytest.raises(DeadLettersUnavailable, match="another tool"):
            consumer.letters.list(None)
    assert len(consumer.letters.list(None)) == 1


def test_a_queue_that_nobody_has_is_told(consumer: Consumer) -> None:
    with pytest.raises(DeadLettersUnavailable, match="there is no queue nobody"):
        consumer.letters.list("nobody")
    # One of the table whose consumer has never been started is no fault.
    assert AmqpDeadLetters(consumer.url, ["nobody", consumer.queue]).list(None) == []


def test_a_letter_whose_queue_is_gone_stays(consumer: Consumer) -> None:
    consumer.park("stays")
    [letter] = consumer.letters.list(None)
    with connect(consumer.url, "tests") as connection, connection.channel() as channel:
        channel.queue_unbind(consumer.queue, topology.redeliver_exchange(consumer.name), consumer.queue)
    with pytest.raises(DeadLettersUnavailable, match="stays where it is"):
        consumer.letters.replay(letter.id, None)
    assert consumer.lengths() == (0, 1)


def test_a_broker_that_is_away_is_told_without_the_password() -> None:
    with pytest.raises(DeadLettersUnavailable) as raised:
        AmqpDeadLetters("amqp://somebody:secret@127.0.0.1:9/", ["a.b"]).list(None)
    assert "secret" not in str(raised.value)


REPLAY_AND_DIE = """
import os, signal, sys
from shared.messaging.amqp import dead_letters
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
{what} = die
dead_letters.AmqpDeadLetters(sys.argv[1], [sys.argv[2]]).replay(None, None)
"""


@pytest.mark.parametrize(
    ("what", "in_queue"),
    [("dead_letters.ConfirmingChannel.publish", 0), ("dead_letters._Taken.settle", 1)],
    ids=["taken and not published", "published and not yet taken out"],
)
def test_a_replay_that_is_killed_loses_nothing(consumer: Consumer, what: str, in_queue: int) -> None:
    consumer.park("first", "second")
    before = consumer.letters.list(None)
    script = REPLAY_AND_DIE.format(what=what)
    killed = subprocess.run([sys.executable, "-c", script, consumer.url, consumer.queue], timeout=30)
    assert killed.returncode == -signal.SIGKILL
    wait_until(lambda: consumer.lengths() == (in_queue, 2), WAIT_SECONDS, "what was taken to be back")
    assert consumer.letters.list(None) == before
    assert consumer.letters.replay(None, None) == 2
    assert consumer.lengths() == (in_queue + 2, 0)
