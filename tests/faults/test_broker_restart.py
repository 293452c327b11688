"""RabbitMQ is killed and started again: the bus goes on by itself, and nothing taken is lost."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.publisher import PublishError
from tests.integration.messaging.amqp_bus import amqp_bus, refused_by_deadline, served_probe, unique
from tests.integration.messaging.bus_case import Bus
from tests.support.broker import PrivateBroker
from tests.support.waiting import wait_until

WAIT_SECONDS = 20.0


def works(bus: Bus) -> bool:
    try:
        return bool(bus.call("echo", {"works": True}, not_after=clock.deadline(0.5)))
    except Refusal:
        return False


def is_not_taken(bus: Bus) -> bool:
    return refused_by_deadline(bus.client, bus.service, "away").slug == "service-unavailable"


def test_all_parts_outlive_a_broker_that_is_killed(broker: PrivateBroker) -> None:
    if not broker.is_private:
        pytest.skip("the broker that was given is not ours to kill")
    url = broker.amqp_url
    with amqp_bus(url) as bus:
        bus.publisher.publish([bus.event("before"), bus.batch(1)])
        wait_until(lambda: bus.handled("before") == 1 and bus.sequences() == [1], WAIT_SECONDS, "the first")
        with served_probe(url, unique("probe"), unique("source"), Ed25519PrivateKey.generate()) as other:
            kept = [f"kept {number}" for number in range(100)]
            assert bus.publisher.publish([bus.event(subject) for subject in kept]) == [True] * 100
            broker.kill()
            # A call handed to the dying connection may have been taken; once that is noticed, none is sent.
            wait_until(lambda: is_not_taken(bus), WAIT_SECONDS, "calls to be refused as surely not taken")
            with pytest.raises(PublishError):
                bus.publisher.publish([bus.event("not taken")])
            other.terminate()
            assert other.wait(WAIT_SECONDS) == 0, "it stops although the broker is away"
        broker.start()
        wait_until(lambda: works(bus), WAIT_SECONDS, "calls to work again")
        wait_until(lambda: set(kept) <= bus.call("noted")["handled"].keys(), WAIT_SECONDS, "what was taken")
        assert bus.publisher.publish([bus.event("after"), bus.batch(2)]) == [True, True]
        wait_until(lambda: bus.handled("after") == 1, WAIT_SECONDS, "the event")
        wait_until(lambda: bus.sequences() == [1, 2], WAIT_SECONDS, "the batch")
