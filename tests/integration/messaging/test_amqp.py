"""What the bus on RabbitMQ promises beyond what every bus does: above all, deadlines that are kept."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.contracts import clock
from shared.contracts.journal import JournalRecord
from shared.messaging.amqp import topology
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.amqp.journal_consumer import JournalConsumer
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.service import Service
from tests.integration.messaging.amqp_bus import refused_by_deadline, served_probe, unique
from tests.integration.messaging.bus_case import journal_message
from tests.support.broker import PrivateBroker
from tests.support.waiting import wait_until

WAIT_SECONDS = 15.0


@pytest.fixture
def client(broker: PrivateBroker) -> Iterator[AmqpClient]:
    made = AmqpClient(broker.amqp_url)
    yield made
    made.close()


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
def test_the_client_works_in_a_patched_process(broker: PrivateBroker, patch: str) -> None:
    service = unique("probe")
    script = CALL_FROM_MANY.format(patch=patch)
    with served_probe(broker.amqp_url, service, unique("source"), Ed25519PrivateKey.generate()):
        command = [sys.executable, "-c", script, broker.amqp_url, service]
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
