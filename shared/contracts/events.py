"""Events between services: CloudEvents 1.0, and the registry of all that are published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from marshmallow import EXCLUDE, Schema

from shared.contracts import clock, ids
from shared.contracts.identity import PersonRegistered

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
TYPE_PREFIX = "org.medtown."


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent. `type` is "org.medtown.<service>.<noun>.<past participle>.v1"."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]
    specversion: str = "1.0"
    datacontenttype: str = "application/json"
    traceparent: str = ""

    @property
    def key(self) -> str:
        """The type without its prefix, "<service>.<noun>.<past participle>.v1": what service tables listen
        to.
        """
        return self.type.removeprefix(TYPE_PREFIX)

    @property
    def service(self) -> str:
        return self.key.partition(".")[0]

    @property
    def routing_key(self) -> str:
        """The key under which it is published on "<service>.events"."""
        return self.key.partition(".")[2]


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event: its key and the schema of its data."""

    key: str
    schema: type[Schema]
    meaning: str


PERSON_REGISTERED = EventType(
    "identity.person.registered.v1", PersonRegistered, "A person or an organisation has been registered."
)

REGISTRY: Mapping[str, EventType] = {kind.key: kind for kind in (PERSON_REGISTERED,)}


def new_event(kind: EventType, subject: str, data: Mapping[str, Any], *, traceparent: str = "") -> Event:
    """An event of a registered kind, now. Raises ValueError where the data does not fit its schema."""
    faults = kind.schema().validate(dict(data))
    if faults:
        raise ValueError(f"{kind.key}: {faults}")
    return Event(
        id=ids.new_id(),
        source=f"/medtown/{kind.key.partition('.')[0]}",
        type=TYPE_PREFIX + kind.key,
        subject=subject,
        time=clock.to_text(clock.now_us()),
        data=dict(data),
        traceparent=traceparent,
    )


def encode(event: Event) -> bytes:
    """The event in CloudEvents' structured mode."""
    return msgspec.json.encode(event)


def decode(body: bytes) -> Event:
    """An event received; unknown fields are left aside. Raises msgspec.ValidationError or DecodeError."""
    event = msgspec.json.decode(body, type=Event)
    kind = REGISTRY.get(event.key)
    if kind is not None:
        faults = kind.schema(unknown=EXCLUDE).validate(event.data)
        if faults:
            raise msgspec.ValidationError(f"{event.key}: {faults}")
    return event
