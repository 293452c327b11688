"""Both buses keep the same promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth.tokens import Signer
from shared.db.engine import Database
from shared.messaging.inprocess.bus import InProcessBus
from tests.integration.messaging.amqp_bus import amqp_bus, unique
from tests.integration.messaging.bus_case import Bus, BusCase
from tests.integration.messaging.probe import (
    ISSUER,
    RETRY_DELAYS_SECONDS,
    Probe,
    probe_service,
    verifier_by,
)
from tests.support.broker import PrivateBroker


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    folder: Path = tmp_path_factory.mktemp("bus")
    key, probe = Ed25519PrivateKey.generate(), Probe()
    service = probe_service(unique("probe"), unique("source"))
    database = Database(f"sqlite:///{folder}/bus.sqlite3")
    running = InProcessBus(database, retry_delays_seconds=RETRY_DELAYS_SECONDS)
    running.register(service, probe, verifier_by(key.public_key())(service))
    running.start()

    yield Bus(
        service.name,
        next(iter(service.journals)),
        Signer(ISSUER, key),
        running.client,
        running.publisher,
        sequences=lambda: list(probe.sequences),
        dead_letters=running.dead_letters,
    )
    running.stop()
    database.close()


@pytest.fixture(scope="module")
def on_rabbitmq(broker: PrivateBroker) -> Iterator[Bus]:
    with amqp_bus(broker.amqp_url) as running:
        yield running


@pytest.mark.embedded
class TestInProcessBus(BusCase):
    @pytest.fixture
    def bus(self, in_process: Bus) -> Bus:
        return in_process


class TestAmqpBus(BusCase):
    @pytest.fixture
    def bus(self, on_rabbitmq: Bus) -> Bus:
        return on_rabbitmq
