"""The private RabbitMQ loads definitions, keeps users apart, and keeps messages over stop and kill."""

from collections.abc import Iterator

import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection

from tests.support.broker import URL_VARIABLE, PrivateBroker

DEFINITIONS = {
    "vhosts": [{"name": "town"}],
    "users": [{"name": "reader", "password": "a secret", "tags": ""}],
    "permissions": [{"user": "reader", "vhost": "town", "configure": "^$", "write": "^$", "read": ".*"}],
}


@pytest.fixture(scope="module")
def own_broker() -> Iterator[PrivateBroker]:
    """A broker that these tests may stop and kill."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with PrivateBroker(DEFINITIONS) as broker:
        yield broker
    monkeypatch.undo()
    assert broker.processes() == []


def test_definitions_are_loaded(own_broker: PrivateBroker) -> None:
    with Connection(own_broker.url("reader", "a secret", "town")) as connection:
        with pytest.raises(AccessRefused):
            connection.channel().queue_declare("not-allowed")


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "queue_type"), [("stop", "quorum"), ("kill", "classic")])
def test_durable_messages_survive(own_broker: PrivateBroker, ending: str, queue_type: str) -> None:
    queue = f"survives-{ending}"
    arguments = {"x-queue-type": queue_type}
    with Connection(own_broker.amqp_url, transport_options={"confirm_publish": True}) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
        connection.Producer(channel).publish("kept", routing_key=queue, delivery_mode=2)
    getattr(own_broker, ending)()
    assert own_broker.processes() == []
    own_broker.start()
    with Connection(own_broker.amqp_url) as connection:
        message = connection.channel().basic_get(queue, no_ack=True)
        assert message is not None
        assert message.body == "kept"


def test_a_given_broker_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "amqp://someone@elsewhere/")
    with PrivateBroker(DEFINITIONS) as given:
        assert given.amqp_url == "amqp://someone@elsewhere/"
        with pytest.raises(RuntimeError, match=URL_VARIABLE):
            given.kill()
