"""Events between services: CloudEvents 1.0, and the registry of all that are published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from marshmallow import EXCLUDE, Schema

from shared.contracts import clock, cop, ids, toolbox
from shared.contracts.identity import PersonRegistered

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
TYPE_PREFIX = "org.medtown."
SPEC_VERSION = "1.0"
MAX_EVENT_BYTES = 1024 * 1024
"""How large an encoded event may be: what is larger is not published, and parked where it arrives."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent. `type` is "org.medtown.<service>.<noun>.<past participle>.v1"."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]
    specversion: str = SPEC_VERSION
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
GROUP_CREATED = EventType("cop.group.created.v1", cop.GroupCreated, "A group has been created.")
MEMBER_JOINED = EventType(
    "cop.member.joined.v1", cop.MembershipChanged, "Somebody has become a member of a group."
)
MEMBER_LEFT = EventType(
    "cop.member.left.v1", cop.MembershipChanged, "Somebody is no longer a member of a group."
)
TOPIC_OPENED = EventType("cop.topic.opened.v1", cop.TopicOpened, "A topic has been opened in a group.")
REPLY_ADDED = EventType("cop.reply.added.v1", cop.ReplyAdded, "A topic has been replied to.")

DOCUMENT_ADDED = EventType(
    "toolbox.document.added.v1", toolbox.DocumentChanged, "A document has been added to the toolbox."
)
DOCUMENT_VERSION_ADDED = EventType(
    "toolbox.document.version-added.v1", toolbox.DocumentChanged, "A document has a new version."
)
DOCUMENT_DELETED = EventType(
    "toolbox.document.deleted.v1", toolbox.DocumentChanged, "A document has been deleted."
)

REGISTRY: Mapping[str, EventType] = {
    kind.key: kind
    for kind in (
        PERSON_REGISTERED,
        GROUP_CREATED,
        MEMBER_JOINED,
        MEMBER_LEFT,
        TOPIC_OPENED,
        REPLY_ADDED,
        DOCUMENT_ADDED,
        DOCUMENT_VERSION_ADDED,
        DOCUMENT_DELETED,
    )
}


def source_of(service: str) -> str:
    """What the events of a service name as their source."""
    return f"/medtown/{service}"


def new_event(kind: EventType, subject: str, data: Mapping[str, Any], *, traceparent: str = "") -> Event:
    """An event of a registered kind, now. Raises ValueError where the data does not fit its schema."""
    faults = kind.schema().validate(dict(data))
    if faults:
        raise ValueError(f"{kind.key}: {faults}")
    return Event(
        id=ids.new_id(),
        source=source_of(kind.key.partition(".")[0]),
        type=TYPE_PREFIX + kind.key,
        subject=subject,
        time=clock.to_text(clock.now_us()),
        data=dict(data),
        traceparent=traceparent,
    )


def encode(event: Event) -> bytes:
    """The event in CloudEvents' structured mode. Raises ValueError beyond MAX_EVENT_BYTES."""
    body = msgspec.json.encode(event)
    if len(body) > MAX_EVENT_BYTES:
        raise ValueError(f"{event.key}: {len(body)} bytes are more than {MAX_EVENT_BYTES}")
    return body


def decode(body: bytes) -> Event:
    """An event received, its data not yet checked; unknown fields are left aside.

    Raises msgspec.ValidationError where it is no CloudEvent of ours, and what msgspec raises for bad JSON.
    """
    return msgspec.json.decode(body, type=Event)


def faults_of(event: Event) -> dict[str, Any]:
    """What of its data does not fit the schema of its registered type, by field; unknown fields may be
    there.
    """
    kind = REGISTRY.get(event.key)
    return {} if kind is None else kind.schema(unknown=EXCLUDE).validate(event.data)
