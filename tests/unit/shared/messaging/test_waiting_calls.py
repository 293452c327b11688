"""Calls over RabbitMQ while it is away: what waits for it is bounded, and goes with who waited."""

import threading
from collections.abc import Iterator

import pytest

from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.amqp import client as calling
from shared.messaging.amqp.client import AmqpClient
from tests.support.ports import free_port
from tests.support.waiting import wait_until

LONG_SECONDS = 60.0


@pytest.fixture
def client() -> Iterator[AmqpClient]:
    """Of a broker that is not there."""
    made = AmqpClient(f"amqp://127.0.0.1:{free_port()}")
    yield made
    made.close()


def _refusal(client: AmqpClient, seconds: float) -> str:
    with pytest.raises(Refusal) as caught:
        client.call("ledger", "accounts", {}, not_after=clock.deadline(seconds))
    return caught.value.slug


def test_what_nobody_waits_for_any_more_is_not_kept(client: AmqpClient) -> None:
    for _ in range(3):
        assert _refusal(client, 0.02) == "service-unavailable"
    assert not client._outgoing
    assert not client._pending


def test_more_calls_than_may_wait_are_refused_at_once(
    client: AmqpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "MAX_WAITING", 2)
    slugs: list[str] = []
    threads = [
        threading.Thread(target=lambda: slugs.append(_refusal(client, LONG_SECONDS))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(client._outgoing) == 2, 10, "both calls to wait")
    assert _refusal(client, LONG_SECONDS) == "service-unavailable"
    assert len(client._outgoing) == 2
    assert not slugs
    client.close()
    for thread in threads:
        thread.join(10)
    assert slugs == ["service-unavailable"] * 2
    assert not client._outgoing
