"""The description of the events: complete, sound in itself, and true to what is published and declared."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from deploy import asyncapi
from deploy.services import SERVICES
from shared.contracts import events, journal
from shared.contracts.journal_payloads import PAYLOADS
from shared.messaging.amqp import topology
from tests.support.commands import medtown

DOCUMENT: dict[str, Any] = json.loads(json.dumps(asyncapi.description()))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]

CHANNEL_FIELDS = {"address", "summary", "servers", "messages", "bindings", "parameters"}
OPERATION_FIELDS = {"action", "summary", "channel", "messages", "bindings"}
MESSAGE_FIELDS = {"name", "title", "summary", "contentType", "payload", "examples"}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document, at any depth."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def target(reference: str) -> Any:
    """What a reference inside the document points to. Raises KeyError."""
    assert reference.startswith("#/"), reference
    found: Any = DOCUMENT
    for part in reference[2:].split("/"):
        found = found[part]
    return found


def payload_of(message: str) -> dict[str, Any]:
    """The schema of a message's payload, with what it refers to."""
    return {**MESSAGES[message]["payload"], "components": DOCUMENT["components"]}


def conforms(message: str, payload: Any) -> bool:
    validator = jsonschema.Draft7Validator(payload_of(message), format_checker=jsonschema.FormatChecker())
    return bool(validator.is_valid(payload))


def test_the_command_prints_it() -> None:
    done = medtown("asyncapi")
    assert done.code == 0
    assert json.loads(done.out) == DOCUMENT


def test_it_has_what_asyncapi_3_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["title"]
    assert DOCUMENT["info"]["version"]
    for server in DOCUMENT["servers"].values():
        assert server["host"]
        assert server["protocol"] == "amqp"
    for channel in DOCUMENT["channels"].values():
        assert channel.keys() <= CHANNEL_FIELDS
        assert channel["address"]
        assert channel["messages"]
    for operation in DOCUMENT["operations"].values():
        assert operation.keys() <= OPERATION_FIELDS
        assert operation["action"] in ("send", "receive")
    for message in MESSAGES.values():
        assert message.keys() == MESSAGE_FIELDS
        assert message["examples"]


def test_every_reference_leads_somewhere() -> None:
    references = [found["$ref"] for found in objects(DOCUMENT) if isinstance(found.get("$ref"), str)]
    assert len(references) > 20
    for reference in references:
        assert target(reference), reference


def test_an_operation_carries_messages_of_its_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


def test_every_registered_event_is_there_with_its_exchange_and_key() -> None:
    for kind in events.REGISTRY.values():
        event = events.Event(
            id="", source="", type=events.TYPE_PREFIX + kind.key, subject="", time="", data={}
        )
        channel = DOCUMENT["channels"][kind.key]
        assert channel["address"] == event.routing_key
        exchange = channel["bindings"]["amqp"]["exchange"]
        assert exchange["name"] == topology.events_exchange(event.service)
        assert (exchange["type"], exchange["durable"]) == ("topic", True)
        assert DOCUMENT["operations"][f"publish.{kind.key}"]["action"] == "send"
        assert MESSAGES[kind.key]["contentType"] == events.CONTENT_TYPE


def test_the_journal_is_there_with_all_its_types() -> None:
    channel = DOCUMENT["channels"][asyncapi.JOURNAL]
    assert channel["address"].format(partition=3) == topology.journal_routing_key(3)
    assert channel["bindings"]["amqp"]["exchange"]["name"] == "ledger.events"
    message = MESSAGES[asyncapi.JOURNAL]
    assert message["contentType"] == events.BATCH_CONTENT_TYPE
    types = {record["properties"]["type"].get("const") for record in message["payload"]["items"]["anyOf"]}
    assert types == {f"{journal.TYPE_PREFIX}{kind}.v1" for kind in PAYLOADS} | {None}


def test_our_own_queues_are_named_as_they_are() -> None:
    described = {
        channel["bindings"]["amqp"]["queue"]["name"].format(partition=0)
        for channel in DOCUMENT["channels"].values()
        if channel["bindings"]["amqp"]["is"] == "queue"
    }
    tables = [owner.table() for owner in SERVICES.values()]
    assert described == {
        topology.event_queue(table.name, key) for table in tables for key in table.events
    } | {topology.journal_queue(table.name, source, 0) for table in tables for source in table.journals}


@pytest.mark.parametrize("message", MESSAGES)
def test_examples_are_what_they_are_examples_of(message: str) -> None:
    jsonschema.Draft7Validator.check_schema(MESSAGES[message]["payload"])
    for example in MESSAGES[message]["examples"]:
        assert conforms(message, example["payload"])


@pytest.mark.parametrize("key", events.REGISTRY)
def test_what_is_published_conforms_and_may_grow(key: str) -> None:
    kind = events.REGISTRY[key]
    data = MESSAGES[key]["examples"][0]["payload"]["data"]
    sent = json.loads(events.encode(events.new_event(kind, "somebody", data)))
    assert conforms(key, sent)
    assert conforms(key, {**sent, "added": 1, "data": {**data, "added": 1}})
    assert not conforms(key, {**sent, "type": sent["type"] + "x"})
    assert not conforms(key, {name: value for name, value in sent.items() if name != "id"})
    assert not conforms(key, {**sent, "data": {}})


def test_a_journal_record_of_a_later_type_conforms_and_a_broken_one_does_not() -> None:
    [record] = MESSAGES[asyncapi.JOURNAL]["examples"][0]["payload"]
    later = {**record, "type": f"{journal.TYPE_PREFIX}transfer.withdrawn.v1"}
    assert conforms(asyncapi.JOURNAL, [record, later])
    without = {**record["data"], "transfer": {"id": "1"}}
    assert not conforms(asyncapi.JOURNAL, [{**record, "data": without}])
    assert not conforms(asyncapi.JOURNAL, [{**record, "hash": "no hash"}])
