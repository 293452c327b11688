"""The probe served on the test run's RabbitMQ."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth.tokens import Signer
from shared.contracts import clock, ids
from shared.contracts.errors import Refusal
from shared.messaging.amqp import topology
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.amqp.dead_letters import AmqpDeadLetters
from shared.messaging.amqp.journal_consumer import JournalConsumer
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.client import Client
from tests.integration.messaging.bus_case import Bus
from tests.integration.messaging.probe import ISSUER, RETRY_DELAYS_SECONDS, ROUTING_KEY, Probe, probe_service

START_SECONDS = 30
DEADLINE_SECONDS = 0.4


def unique(word: str) -> str:
    """A name that no other test on this broker uses."""
    return f"{word}_{ids.new_id()[-12:]}"


@contextmanager
def served_probe(
    url: str, service: str, source: str, key: Ed25519PrivateKey
) -> Iterator["subprocess.Popen[str]"]:
    """A process that serves the probe; asked to end with SIGTERM unless the test has ended it."""
    public_key = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    command = [sys.executable, "-m", "tests.integration.messaging.probe", url, service, source, public_key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
            if process.poll() is None:
                process.terminate()
                assert process.wait(START_SECONDS) == 0
        finally:
            process.kill()


@contextmanager
def amqp_bus(url: str) -> Iterator[Bus]:
    service, source, key = unique("probe"), unique("source"), Ed25519PrivateKey.generate()
    table, journal_probe = probe_service(service, source), Probe()
    topology.declare([table], url, retry_delays_seconds=RETRY_DELAYS_SECONDS)
    with served_probe(url, service, source, key):
        client, publisher = AmqpClient(url, name=service), AmqpPublisher(url, name=source)
        consumer = JournalConsumer(table, journal_probe, url)
        consumer.start()
        queue = topology.event_queue(service, f"{source}.{ROUTING_KEY}")
        yield Bus(
            service,
            source,
            Signer(ISSUER, key),
            client,
            publisher,
            sequences=lambda: list(journal_probe.sequences),
            dead_letters=AmqpDeadLetters(url, [queue]),
        )
        consumer.stop()
        publisher.close()
        client.close()


def refused_by_deadline(client: Client, service: str, name: str) -> Refusal:
    """The refusal of a piece of work that nobody does in time; checks that the caller was not kept longer."""
    not_after = clock.deadline(DEADLINE_SECONDS)
    with pytest.raises(Refusal) as raised:
        client.call(service, "work", {"name": name}, not_after=not_after)
    assert clock.now_us() - not_after < 300_000
    return raised.value
