"""What the bus on RabbitMQ promises beyond what every bus does: above all, deadlines that are kept."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import amqp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.contracts.journal import JournalRecord
from shared.messaging.amqp import topology
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.amqp.connection import ConfirmingChannel, connect, publish
from shared.messaging.amqp.journal_consumer import JournalConsumer
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.service import Service
from tests.integration.messaging.amqp_bus import refused_by_deadline, served_probe, unique
from tests.integration.messaging.bus_case import event_message, journal_message
from tests.integration.messaging.probe import WORKERS
from tests.support.broker import PrivateBroker
from tests.support.cutting import CuttingProxy
from tests.support.waiting import wait_until

WAIT_SECONDS = 15.0


@pytest.fixture
def client(broker: PrivateBroker) -> Iterator[AmqpClient]:
    made = AmqpClient(broker.amqp_url)
    yield made
    made.close()


@dataclass(frozen=True)
class Served:
    """A service by its name, and the process that serves it."""

    name: str
    process: "subprocess.Popen[str]"


@pytest.fixture(scope="module")
def probe(broker: PrivateBroker) -> Iterator[Served]:
    """A service for tests that leave it as it was: to start one takes a second."""
    name = unique("probe")
    with served_probe(broker.amqp_url, name, unique("source"), Ed25519PrivateKey.generate()) as process:
        yield Served(name, process)


def test_what_a_hanging_service_finds_later_is_not_carried_out(
    broker: PrivateBroker, client: AmqpClient
) -> None:
    service = unique("probe")
    with served_probe(broker.amqp_url, service, unique("source"), Ed25519PrivateKey.generate()) as process:
        client.call(service, "work", {"name": "first"})
        os.kill(process.pid, signal.SIGSTOP)
        refusal = refused_by_deadline(client, service, "second")
        os.kill(process.pid, signal.SIGCONT)
        assert refusal.slug == "outcome-unknown"
        assert client.call(service, "noted", {})["carried_out"] == ["first"]


def test_what_expired_in_the_queue_is_not_carried_out(broker: PrivateBroker, client: AmqpClient) -> None:
    service, source, key = unique("probe"), unique("source"), Ed25519PrivateKey.generate()
    with served_probe(broker.amqp_url, service, source, key):
        client.call(service, "work", {"name": "first"})
    assert refused_by_deadline(client, service, "while away").slug == "outcome-unknown"
    with served_probe(broker.amqp_url, service, source, key):
        assert client.call(service, "noted", {})["carried_out"] == []


def test_a_call_in_hand_of_a_killed_service_goes_to_the_next_one(
    broker: PrivateBroker, client: AmqpClient
) -> None:
    service, source, key = unique("probe"), unique("source"), Ed25519PrivateKey.generate()
    answers: list[str] = []

    def call() -> None:
        arguments = {"name": "twice", "seconds": 0.5}
        answers.append(client.call(service, "work", arguments, not_after=clock.deadline(20)))

    with served_probe(broker.amqp_url, service, source, key) as first:
        with served_probe(broker.amqp_url, service, source, key):
            client.call(service, "echo", {})
            os.kill(first.pid, signal.SIGSTOP)  # so that whatever it is handed stays in its hands
            callers = [threading.Thread(target=call) for _ in range(4)]
            for caller in callers:
                caller.start()
            wait_until(lambda: answers, WAIT_SECONDS, "the answers of the living")
            first.kill()
            for caller in callers:
                caller.join(WAIT_SECONDS)
            assert answers == ["twice"] * 4


def test_a_full_queue_of_calls_refuses_further_ones_at_once(
    broker: PrivateBroker, client: AmqpClient
) -> None:
    service = unique("probe")
    link = ConfirmingChannel(broker.amqp_url, "tests")
    declare_rpc_queue(link, service)
    for _ in range(topology.RPC_QUEUE_LENGTH):
        link.publish(b"{}", topology.RPC_EXCHANGE, f"{service}.work")
    link.wait_for_confirms()
    started = time.monotonic()
    with pytest.raises(Refusal) as raised:
        client.call(service, "work", {"name": "one too many"}, not_after=clock.deadline(20))
    assert raised.value.slug == "service-unavailable"
    assert time.monotonic() - started < 5
    link.connection.channel().queue_delete(topology.rpc_queue(service).name)
    link.close()


def declare_rpc_queue(link: ConfirmingChannel, service: str) -> None:
    """The queue of a service's calls, as the service itself declares it."""
    topology.make_exchange(link.connection, topology.RPC_EXCHANGE)
    queue = topology.rpc_queue(service)
    channel = link.connection.channel()
    arguments = queue.queue_arguments  # type: ignore[attr-defined]  # kombu's stubs do not name it
    channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=arguments)
    channel.queue_bind(queue.name, topology.RPC_EXCHANGE, queue.routing_key)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"5",
        b'{"args": 5, "kwargs": []}',
        b'{"args": [], "kwargs": {"message": 5}}',
        b'{"args": [], "kwargs": {"message": {"arguments": []}}}',
        b'{"args": [], "kwargs": {"message": {"arguments": "\xff", "not_after": 4000000000000000}}}',
        b'{"args": [{}], "kwargs": {}}',
        b'{"args": [], "kwargs": {"message": {}, "more": 1}}',
        b" " * 10_000_000 + b"{}",
    ],
    ids=[
        "no JSON",
        "no UTF-8",
        "too deep",
        "list",
        "number",
        "wrong fields",
        "wrong message",
        "wrong arguments",
        "no UTF-8 in the arguments",
        "positional",
        "more arguments",
        "10 MB",
    ],
)
def test_what_is_no_call_harms_nobody(
    broker: PrivateBroker, client: AmqpClient, probe: Served, body: bytes
) -> None:
    link = ConfirmingChannel(broker.amqp_url, "tests")
    link.publish(body, topology.RPC_EXCHANGE, f"{probe.name}.echo", content_type="application/json")
    link.wait_for_confirms()
    link.close()
    assert client.call(probe.name, "echo", {"behind": "it"}) == {"behind": "it"}
    assert probe.process.poll() is None


def test_what_has_come_is_read_at_once(broker: PrivateBroker) -> None:
    """Three frames a message; py-amqp by itself asks the socket three times for each."""
    count, by_itself = 50, 9
    came: list[object] = []
    reads: list[int] = []
    connection = connect(broker.amqp_url, "tests")
    try:
        receive = connection._transport._quick_recv

        def counted(size: int) -> bytes:
            reads.append(size)
            received: bytes = receive(size)
            return received

        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).queue
        for number in range(count):
            publish(channel, amqp.Message(b"x" * number), "", queue)
        connection._transport._quick_recv = counted
        channel.basic_consume(queue, no_ack=True, callback=came.append)
        while len(came) < count:
            connection.drain_events(timeout=WAIT_SECONDS)
    finally:
        connection.close()
    assert len(reads) < by_itself * count / 2


def test_an_acknowledgement_that_is_lost_brings_the_event_again(
    broker: PrivateBroker, client: AmqpClient
) -> None:
    """The connection breaks while an event is in hand: the service goes on, and hears it again."""
    service, source = unique("probe"), unique("source")
    way = urlsplit(broker.amqp_url)
    assert way.port is not None
    with CuttingProxy(way.port) as proxy:
        url = broker.amqp_url.replace(f":{way.port}/", f":{proxy.port}/")
        with served_probe(url, service, source, Ed25519PrivateKey.generate()) as process:
            publisher = AmqpPublisher(broker.amqp_url)
            proxy.cut_at(BASIC_ACK, answered=False)
            # All are in hand when the first acknowledgement is cut off: those of the others fail.
            subjects = [f"in hand {number}" for number in range(WORKERS)]
            publisher.publish([event_message(source, subject) for subject in subjects])
            wait_until(lambda: heard(client, service) > len(subjects), WAIT_SECONDS, "an event to come again")
            wait_until(lambda: all(handled(client, service, each) for each in subjects), WAIT_SECONDS, "all")
            assert proxy.cuts == 1
            publisher.publish([event_message(source, "after")])
            wait_until(lambda: handled(client, service, "after") == 1, WAIT_SECONDS, "the event behind it")
            publisher.close()
            assert process.poll() is None


BASIC_ACK = bytes((0, 0, 0, 13, 0, 60, 0, 80))
"""The length of the frame, and its class and method."""


def handled(client: AmqpClient, service: str, subject: str) -> int:
    return noted(client, service).get(subject, 0)


def heard(client: AmqpClient, service: str) -> int:
    return sum(noted(client, service).values())


def noted(client: AmqpClient, service: str) -> dict[str, int]:
    """How often each event was handled, as far as the service can be asked."""
    try:
        counts: dict[str, int] = client.call(service, "noted", {})["handled"]
        return counts
    except Refusal:  # its calls come over the connection that was cut
        return {}


CALL_FROM_MANY = """
{patch}
import sys, threading
from shared.messaging.amqp.client import AmqpClient
client = AmqpClient(sys.argv[1])
answers = []
def call(number):
    answers.append(client.call(sys.argv[2], "echo", {{"number": number}})["number"])
threads = [threading.Thread(target=call, args=(number,)) for number in range(100)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(10)
client.close()
print(sorted(answers) == list(range(100)))
"""


@pytest.mark.parametrize(
    "patch",
    [
        "from gevent import monkey; monkey.patch_all()",
        "from shared.messaging.amqp.patching import prepare_eventlet; prepare_eventlet()",
    ],
    ids=["gevent", "eventlet"],
)
def test_the_client_works_in_a_patched_process(broker: PrivateBroker, probe: Served, patch: str) -> None:
    script = CALL_FROM_MANY.format(patch=patch)
    command = [sys.executable, "-c", script, broker.amqp_url, probe.name]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert finished.stdout == "True\n"


def test_the_journals_queue_keeps_the_newest_batches(broker: PrivateBroker) -> None:
    source, consumer = unique("ledger"), unique("reader")
    seen: list[int] = []
    service = Service(
        consumer, journals={source: lambda _, records: seen.extend(got.sequence for got in records)}
    )
    topology.declare([service], broker.amqp_url, partitions=(7,))
    publisher = AmqpPublisher(broker.amqp_url)
    extra = 5
    count = topology.JOURNAL_QUEUE_LENGTH + extra
    messages = [journal_message(source, number, partition=7) for number in range(count)]
    assert publisher.publish(messages) == [True] * count
    publisher.close()
    reader = JournalConsumer(service, None, broker.amqp_url, partitions=(7,))
    reader.start()
    wait_until(lambda: seen and seen[-1] == count - 1, WAIT_SECONDS, "the newest batch")
    reader.stop()
    assert seen == list(range(extra, count))


def test_a_handler_that_works_longer_than_a_heartbeat_keeps_its_turn(broker: PrivateBroker) -> None:
    source = unique("ledger")
    seen: list[int] = []

    def work_long(_: None, records: Sequence[JournalRecord]) -> None:
        seen.append(records[0].sequence)
        if records[0].sequence == 1:
            time.sleep(4)

    service = Service(unique("reader"), journals={source: work_long})
    reader = JournalConsumer(service, None, broker.amqp_url, heartbeat_seconds=1)
    topology.declare([service], broker.amqp_url)
    reader.start()
    publisher = AmqpPublisher(broker.amqp_url)
    publisher.publish([journal_message(source, 1), journal_message(source, 2)])
    wait_until(lambda: 2 in seen, WAIT_SECONDS, "the batch behind the long one")
    reader.stop()
    publisher.close()
    assert seen == [1, 2]
