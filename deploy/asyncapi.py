"""The description of all events in AsyncAPI 3.0, made from the registry of events, the journal's contract and
the services' tables: with the exchanges, keys, queues and payloads as they are.
"""

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from deploy import asyncapi_examples as examples
from deploy.services import SERVICES
from shared.contracts import events, journal
from shared.contracts.events import EventType
from shared.contracts.journal_payloads import PAYLOADS, RecordData
from shared.messaging.amqp import topology

VERSION = "1"
BINDING_VERSION = "0.3.0"
JOURNAL = "ledger.journal.v1"
"""The name of the journal's batches in this description."""

INTRODUCTION = f"""Every event is a CloudEvent 1.0 in structured mode, published persistently to the topic
exchange `<service>.events` of the service that owns it, with its type less `org.medtown.<service>.` as
routing key. Bind a queue of your own.

An event may come twice, and events may overtake each other: remember the (`source`, `id`) that you have
handled, and trust `version` in the data, not the order. Fields may be added at any time: leave aside what you
do not know. What would break a reader becomes a new type `.v2` beside the old one. No event is larger than
{events.MAX_EVENT_BYTES // 1024} kB, and none holds names, addresses or texts: ask the API for them, with the
rights of somebody who may see them.

The ledger's journal is the exception in form: batches of up to {journal.MAX_RECORDS_PER_BATCH} records of one
partition, in order and chained by hash. A batch may be missing: who finds that `prevhash` is not the hash
known asks `GET /api/v1/events` for what is between."""

PARTITION = {"description": "The ledger partition.", "default": "0"}


def description() -> dict[str, Any]:
    """The AsyncAPI 3.0 document as plain data."""
    schemas = _Schemas()
    messages = {kind.key: _event_message(kind, schemas) for kind in events.REGISTRY.values()}
    messages[JOURNAL] = _journal_message(schemas)
    channels, operations = _published()
    _add_consumed(channels, operations)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "MedTOWN events", "version": VERSION, "description": INTRODUCTION},
        "defaultContentType": events.CONTENT_TYPE,
        "servers": {"broker": _server()},
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": schemas.all(),
            "messages": messages,
            "securitySchemes": {
                "user": {
                    "type": "userPassword",
                    "description": "A broker user that the operator made for you.",
                }
            },
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{address}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "The installation's RabbitMQ.",
        "variables": {"address": {"default": "localhost:5672", "description": "Host and port."}},
        "security": [{"$ref": "#/components/securitySchemes/user"}],
    }


# Messages


class _Schemas:
    """Collects marshmallow schemas as JSON Schema; unlike what is asked of callers, events may grow."""

    def __init__(self) -> None:
        plugin = MarshmallowPlugin(schema_name_resolver=_name)
        self._spec = APISpec("events", VERSION, "3.1.0", plugins=[plugin])

    def reference(self, schema: type[Schema]) -> dict[str, str]:
        if schema.__name__ not in self._spec.components.schemas:
            words = " ".join((schema.__doc__ or "").split())
            self._spec.components.schema(schema.__name__, component={"description": words}, schema=schema)
        return {"$ref": f"#/components/schemas/{schema.__name__}"}

    def all(self) -> dict[str, Any]:
        return {name: _open(schema) for name, schema in sorted(self._spec.components.schemas.items())}


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__


def _open(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if (key, value) != ("additionalProperties", False)}


def _event_message(kind: EventType, schemas: _Schemas) -> dict[str, Any]:
    data = schemas.reference(kind.schema)
    source = f"/medtown/{kind.key.partition('.')[0]}"
    envelope = _envelope(events.TYPE_PREFIX + kind.key, {"const": source}, data)
    envelope["properties"]["traceparent"] = {"type": "string", "description": "W3C trace context, or empty."}
    return {
        "name": events.TYPE_PREFIX + kind.key,
        "title": kind.key,
        "summary": kind.meaning,
        "contentType": events.CONTENT_TYPE,
        "payload": envelope,
        "examples": [{"name": "example", "payload": examples.event(kind)}],
    }


def _journal_message(schemas: _Schemas) -> dict[str, Any]:
    records = [_record(kind, schemas) for kind in PAYLOADS]
    return {
        "name": JOURNAL,
        "title": "A batch of journal records",
        "summary": "What the ledger has accepted, in the order of the journal.",
        "contentType": events.BATCH_CONTENT_TYPE,
        "payload": {
            "type": "array",
            "minItems": 1,
            "maxItems": journal.MAX_RECORDS_PER_BATCH,
            "items": {"anyOf": [*records, _record_of_later_type(schemas)]},
        },
        "examples": [{"name": "example", "payload": examples.batch()}],
    }


def _record(kind: str, schemas: _Schemas) -> dict[str, Any]:
    """A record of a known type."""
    return _record_envelope(f"{journal.TYPE_PREFIX}{kind}.v1", _record_data(schemas, PAYLOADS[kind]))


def _record_of_later_type(schemas: _Schemas) -> dict[str, Any]:
    """A record that this version does not know: what it changes can be applied all the same."""
    envelope = _record_envelope("", _record_data(schemas, RecordData))
    known = [f"{journal.TYPE_PREFIX}{kind}.v1" for kind in PAYLOADS]
    envelope["properties"]["type"] = {"type": "string", "not": {"enum": known}}
    return envelope


def _record_data(schemas: _Schemas, schema: type[RecordData]) -> dict[str, Any]:
    occurred_at = {
        "type": "object",
        "required": ["occurred_at"],
        "properties": {"occurred_at": {"type": "string", "format": "date-time"}},
    }
    return {"allOf": [schemas.reference(schema), occurred_at]}


def _record_envelope(type: str, data: dict[str, Any]) -> dict[str, Any]:
    hexadecimal = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    envelope = _envelope(type, {"type": "string", "pattern": r"^/medtown/ledger/[0-9]+$"}, data)
    envelope["properties"] |= {
        "id": {"type": "string", "description": "timeline:sequence"},
        "sequence": {"type": "string", "pattern": "^[0-9]{20}$"},
        "timeline": {"type": "string"},
        "prevhash": hexadecimal,
        "hash": hexadecimal,
    }
    envelope["required"] = [*envelope["required"], "sequence", "timeline", "prevhash", "hash"]
    return envelope


def _envelope(type: str, source: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The CloudEvent around the data."""
    properties: dict[str, Any] = {
        "specversion": {"const": events.SPEC_VERSION},
        "id": {"type": "string", "format": "uuid"},
        "source": source,
        "type": {"const": type},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": data,
    }
    return {"type": "object", "required": list(properties), "properties": properties}


# Channels: where messages are published, and from where our own services take them


def _published() -> tuple[dict[str, Any], dict[str, Any]]:
    channels = {key: _exchange_channel(key, kind.meaning) for key, kind in events.REGISTRY.items()}
    channels[JOURNAL] = _exchange_channel(JOURNAL, "The ledger's journal, one key for each partition.")
    channels[JOURNAL]["address"] = topology.journal_routing_key("{partition}")
    channels[JOURNAL]["parameters"] = {"partition": PARTITION}
    operations = {f"publish.{key}": _operation("send", key, "Published once it is true.") for key in channels}
    return channels, operations


def _add_consumed(channels: dict[str, Any], operations: dict[str, Any]) -> None:
    for owner in SERVICES.values():
        table = owner.table()
        for key in table.events:
            queue = topology.event_queue(table.name, key)
            channels[f"queue.{queue}"] = _queue_channel(queue, key)
            operations[f"handle.{queue}"] = _operation(
                "receive", f"queue.{queue}", f"Handled by {table.name}."
            )
        for source in table.journals:
            queue = topology.journal_queue(table.name, source, "{partition}")
            name = f"{table.name}.{JOURNAL}"
            channels[f"queue.{name}"] = _queue_channel(queue, JOURNAL) | {
                "parameters": {"partition": PARTITION}
            }
            operations[f"handle.{name}"] = _operation("receive", f"queue.{name}", f"Handled by {table.name}.")


def _exchange_channel(key: str, meaning: str) -> dict[str, Any]:
    service, _, routing_key = key.partition(".")
    exchange = {
        "name": topology.events_exchange(service),
        "type": "topic",
        "durable": True,
        "autoDelete": False,
    }
    return {
        "address": routing_key,
        "summary": meaning,
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": {"message": {"$ref": f"#/components/messages/{key}"}},
        "bindings": {
            "amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING_VERSION},
        },
    }


def _queue_channel(queue: str, key: str) -> dict[str, Any]:
    return {
        "address": queue,
        "summary": "A queue of MedTOWN's own, told for completeness: consume from yours.",
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": {"message": {"$ref": f"#/components/messages/{key}"}},
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": queue, "durable": True, "exclusive": False, "autoDelete": False},
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    how = {"deliveryMode": 2, "mandatory": True} if action == "send" else {"ack": True}
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/message"}],
        "bindings": {"amqp": {**how, "bindingVersion": BINDING_VERSION}},
    }
