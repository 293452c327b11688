"""A partner's listener: kombu, jsonschema and the printed AsyncAPI description, and nothing else of ours."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema
import kombu
import pytest

from tests.support.api import Api, Town, administrator
from tests.support.broker import PrivateBroker
from tests.support.deployment import Deployment

pytestmark = pytest.mark.distributed

WAIT_SECONDS = 20.0


class Outsider:
    """Listens to all exchanges that a description names, with a queue of its own for each."""

    def __init__(self, connection: kombu.Connection, description: dict[str, Any]) -> None:
        self.described = description
        self.heard: list[tuple[str, Any]] = []
        self._connection = connection
        channel = connection.channel()
        # Not kombu's decoding: a partner may not know these content types, and reads the bytes.
        self._consumer = kombu.Consumer(channel, on_message=self._hear, no_ack=True)
        for name in self.exchanges():
            exchange = kombu.Exchange(name, type="topic", durable=True)
            queue = kombu.Queue(
                "", exchange, routing_key="#", exclusive=True, auto_delete=True, durable=False
            )
            self._consumer.add_queue(queue)
        self._consumer.consume()

    def exchanges(self) -> list[str]:
        bindings = [channel["bindings"]["amqp"] for channel in self.described["channels"].values()]
        return sorted({each["exchange"]["name"] for each in bindings if each["is"] == "routingKey"})

    def _hear(self, message: Any) -> None:
        info = message.delivery_info
        name = self.message_at(info["exchange"], info["routing_key"])
        described = self.described["components"]["messages"][name]
        assert message.content_type == described["contentType"]
        payload = json.loads(bytes(message.body))
        schema = {**described["payload"], "components": self.described["components"]}
        jsonschema.validate(
            payload,
            schema,
            cls=jsonschema.Draft7Validator,
            format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER,
        )
        self.heard.append((name, payload))

    def message_at(self, exchange: str, key: str) -> str:
        """The message that the description names for an exchange and a routing key."""
        for channel in self.described["channels"].values():
            bound = channel["bindings"]["amqp"]
            if bound["is"] != "routingKey" or bound["exchange"]["name"] != exchange:
                continue
            if channel["address"].replace("{partition}", "0") == key:
                return str(channel["messages"]["message"]["$ref"].rsplit("/", 1)[1])
        raise AssertionError(f"{key} on {exchange} is not described")

    def wait_for(self, name: str, wanted: Callable[[Any], bool]) -> Any:
        """The first payload of this message that is wanted."""
        seen = 0
        while True:
            for heard, payload in self.heard[seen:]:
                if heard == name and wanted(payload):
                    return payload
            seen = len(self.heard)
            try:
                self._connection.drain_events(timeout=WAIT_SECONDS)
            except TimeoutError:
                raise AssertionError(
                    f"{name} did not come; heard {[name for name, _ in self.heard]}"
                ) from None


@contextmanager
def listening(url: str, description: dict[str, Any]) -> Iterator[Outsider]:
    with kombu.Connection(url) as connection:
        yield Outsider(connection, description)


def about(subject: str) -> Callable[[Any], bool]:
    return lambda event: bool(event["subject"] == subject)


def of_transfer(transfer: str) -> Callable[[Any], bool]:
    return lambda batch: any(record["subject"] == transfer for record in batch)


def test_everything_that_an_outsider_hears_is_as_described(
    distributed: Deployment, broker: PrivateBroker
) -> None:
    printed = distributed.medtown("asyncapi")
    assert printed.returncode == 0, printed.stderr
    with listening(broker.amqp_url, json.loads(printed.stdout)) as outsider:
        operator = administrator(distributed.base_url)
        town = Town(operator)
        payer = town.payer(issued=1000)
        registered = outsider.wait_for("identity.person.registered.v1", about(town.member.person["id"]))
        assert registered["data"]["id"] == town.member.person["id"]

        _discuss_and_keep_a_document(outsider, town.member)
        paid = town.member.pay(payer, town.account(), 250, town.currency, memo="between us")
        batch = outsider.wait_for("ledger.journal.v1", of_transfer(paid["id"]))
        [record] = [record for record in batch if record["subject"] == paid["id"]]
        assert record["hash"] == paid["hash"]
        assert record["data"]["transfer"]["amount"] == 250
        assert "between us" not in json.dumps(batch)
        _check_the_chain(outsider, operator)


def _discuss_and_keep_a_document(outsider: Outsider, member: Api) -> None:
    words = {"name": "Gardens of the quarter", "description": "Huertos", "kind": "open"}
    group = member.expect(201, "POST", "/groups", json=words)["id"]
    topic = {"title": "Water", "body": "Who waters?", "language": "en"}
    opened = member.expect(201, "POST", f"/groups/{group}/topics", json=topic)["id"]
    reply = {"body": "I do", "language": "en"}
    added = member.expect(201, "POST", f"/topics/{opened}/replies", json=reply)["id"]
    files = {"file": ("notes.txt", b"Water on Mondays", None)}
    document = member.expect(201, "POST", "/documents", files=files)["id"]
    for name, subject in (
        ("cop.group.created.v1", group),
        ("cop.topic.opened.v1", opened),
        ("cop.reply.added.v1", added),
        ("toolbox.document.added.v1", document),
    ):
        event = outsider.wait_for(name, about(subject))
        assert not any(word in json.dumps(event) for word in ("Gardens", "Water", "I do", "notes"))


def _check_the_chain(outsider: Outsider, operator: Api) -> None:
    """What came in batches continues without a gap, and is what the API tells."""
    records = [record for name, batch in outsider.heard if name == "ledger.journal.v1" for record in batch]
    by_sequence = {int(record["sequence"]): record for record in records}
    first = min(by_sequence)
    for sequence, record in by_sequence.items():
        assert sequence == first or record["prevhash"] == by_sequence[sequence - 1]["hash"]
    told = operator.get("/events", params={"after": first - 1, "limit": len(by_sequence)})["data"]
    assert [record["hash"] for record in told] == [by_sequence[each]["hash"] for each in sorted(by_sequence)]
