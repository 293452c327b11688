"""How a service says what it answers and listens to: a table, free of any framework.

    SERVICE = Service(
        name="dashboard",
        calls={"get_indicator": Call(queries.get_indicator, GetIndicator)},
        events={"identity.person.registered.v1": operations.count_registration},
        journals={"ledger": projector.receive},
    )

From it `shared/messaging/amqp` makes what runs on RabbitMQ and `shared/messaging/inprocess` the routes of
the embedded bus. `resources` is whatever the service's own `build` made at the start: its database, clients,
keys.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from marshmallow import Schema

from shared.auth.principal import Principal
from shared.contracts.events import Event
from shared.contracts.journal import JournalRecord


@dataclass(frozen=True, slots=True)
class Request:
    """One call as its handler gets it. `arguments` are validated; `caller` is None only for open calls.

    `encoded`: the arguments as the JSON that they came as, where the call says so and the carrier has it;
    `arguments` are then empty.
    """

    arguments: Mapping[str, Any]
    caller: Principal | None
    not_after: int
    encoded: msgspec.Raw | None = None

    @property
    def principal(self) -> Principal:
        """The caller of a call that is not open."""
        assert self.caller is not None
        return self.caller


CallHandler = Callable[[Any, Request], Any]
EventHandler = Callable[[Any, Event], None]
JournalHandler = Callable[[Any, Sequence[JournalRecord]], None]


@dataclass(frozen=True, slots=True)
class Call:
    """An RPC method: its handler `(resources, request) -> JSON`, and the schema of its arguments.

    `open_to_all`: needs no internal token (signing in, or calls that carry tokens of their own); one that
    comes along is verified all the same. `schema`
    None hands the arguments over as they came, for handlers that validate with a compiled schema; `encoded`
    as JSON where they came as JSON, for those that are asked so much that reading them twice would show.
    """

    handler: CallHandler
    schema: type[Schema] | None
    open_to_all: bool = False
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """All that a service answers and listens to.

    `events` is keyed by "<service>.<routing key>"; `journals` by the service whose journal is consumed in
    order. `audience` is what internal tokens for its calls must name: the service's name, unless said
    otherwise.
    """

    name: str
    calls: Mapping[str, Call] = field(default_factory=dict)
    events: Mapping[str, EventHandler] = field(default_factory=dict)
    journals: Mapping[str, JournalHandler] = field(default_factory=dict)
    audience: str = ""

    @property
    def token_audience(self) -> str:
        return self.audience or self.name
