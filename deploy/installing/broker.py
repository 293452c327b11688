"""RabbitMQ's definitions: exchanges, queues, and one user a process with the narrowest permissions it can do
with.

What exists is read off `shared.messaging.amqp.topology` itself, by letting it declare to a plan instead of a
broker. Queues that vanish by themselves (calls, answers) are left to those who own them. RabbitMQ checks
names of exchanges and queues by `permissions`, routing keys by `topic_permissions`: by the latter a process
may send only calls that it makes, and bind only what it listens to.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.installing.processes import GATEWAY, TOOLS, WRITER, Process, users
from deploy.services import SERVICES
from services.ledger.service import writer_service
from shared.contracts.events import REGISTRY
from shared.messaging.amqp import topology
from shared.messaging.amqp.dead_letters import LOCK_QUEUE
from shared.messaging.service import Service

VIRTUAL_HOST = "medtown"
PARTITIONS = (0,)
REPLY_ID = "[0-9a-f-]{36}"
ANY_REPLY = rf"rpc\.reply-[a-z-]+-{REPLY_ID}"
JOURNAL_CALL = "journal_since"
CALLED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "dashboard-jobs": {"ledger": (JOURNAL_CALL,)},
    "ledger-jobs": {writer_service(partition).name: ("decide",) for partition in PARTITIONS},
}
"""Which calls a service's process makes of others. The gateway and the tools may make every call but the
journal's, which is not for the gateway.
"""


@dataclass(slots=True)
class Plan:
    """What a `Declarer` would declare. Stands in for a connection and for its channels."""

    exchanges: dict[str, str] = field(default_factory=dict)
    owned: dict[str, str] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    bindings: list[tuple[str, str, str]] = field(default_factory=list)

    def channel(self) -> "Plan":
        return self

    def __enter__(self) -> "Plan":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def exchange_declare(self, name: str, kind: str, *, passive: bool = False, **_: Any) -> None:
        self.exchanges[name] = kind
        if not passive:
            self.owned[name] = kind

    def queue_declare(self, name: str, *, arguments: dict[str, Any], **_: Any) -> None:
        self.queues[name] = arguments

    def queue_bind(self, queue: str, exchange: str, routing_key: str) -> None:
        self.bindings.append((queue, exchange, routing_key))


@dataclass(slots=True)
class Rights:
    """Patterns of the names that a user may configure, write to and read, and of routing keys by exchange."""

    configure: set[str] = field(default_factory=set)
    write: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    send: dict[str, set[str]] = field(default_factory=dict)
    bind: dict[str, set[str]] = field(default_factory=dict)

    def owns_queue(self, pattern: str) -> None:
        """May declare and bind a queue (RabbitMQ asks for `write` to bind) and consume it."""
        for names in (self.configure, self.write, self.read):
            names.add(pattern)

    def sends(self, exchange: str, keys: Iterable[str]) -> None:
        self.write.add(re.escape(exchange))
        self.send.setdefault(exchange, set()).update(keys)

    def binds(self, exchange: str, keys: Iterable[str]) -> None:
        self.read.add(re.escape(exchange))
        self.bind.setdefault(exchange, set()).update(keys)


def events_of(service: Service) -> Plan:
    """What the process that serves a service declares."""
    plan = Plan()
    topology.Declarer(plan).events(service, topology.RETRY_DELAYS_SECONDS)
    return plan


def journals_of(service: Service) -> Plan:
    """What the jobs of a service declare."""
    plan = Plan()
    topology.Declarer(plan).journals(service, PARTITIONS)
    return plan


def published() -> dict[str, list[str]]:
    """The routing keys that each service publishes, on the exchange of its events."""
    keys: dict[str, list[str]] = {}
    for key in REGISTRY:
        service, _, routing_key = key.partition(".")
        keys.setdefault(service, []).append(routing_key)
    for table in _tables():
        for source in table.journals:
            journals = [topology.journal_routing_key(partition) for partition in PARTITIONS]
            keys[source] = sorted({*keys.get(source, ()), *journals})
    return keys


def rights(user: str, process: Process) -> Rights:
    """What a user may do."""
    given = Rights()
    if calls := _calls_by(user):
        _let_call(given, user, calls)
    if user == TOOLS:
        _let_handle_dead_letters(given)
    if process.name == WRITER:
        for partition in PARTITIONS:
            _let_answer(given, writer_service(partition))
    elif process.name in SERVICES:
        table = SERVICES[process.name].table()
        _let_answer(given, table)
        _let_own(given, events_of(table), table.events)
    elif process.service and user == f"{process.service}-jobs":
        table = SERVICES[process.service].table()
        _let_own(given, journals_of(table), ())
        if keys := published().get(process.service):
            given.sends(topology.events_exchange(process.service), map(re.escape, keys))
    return given


def definitions(password_hashes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The definitions as RabbitMQ loads them; without hashes users have no password and cannot sign in."""
    plan = _everything_declared()
    given = {user: rights(user, process) for user, process in sorted(users().items())}
    return {
        "vhosts": [{"name": VIRTUAL_HOST}],
        "users": [
            {
                "name": user,
                "password_hash": (password_hashes or {}).get(user, ""),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
            for user in given
        ],
        "permissions": [
            {
                "user": user,
                "vhost": VIRTUAL_HOST,
                "configure": _any_of(may.configure),
                "write": _any_of(may.write),
                "read": _any_of(may.read),
            }
            for user, may in given.items()
        ],
        "topic_permissions": [
            {
                "user": user,
                "vhost": VIRTUAL_HOST,
                "exchange": exchange,
                "write": _any_of(may.send.get(exchange, ())),
                "read": _any_of(may.bind.get(exchange, ())),
            }
            for user, may in given.items()
            for exchange in sorted({*may.send, *may.bind})
        ],
        "exchanges": [
            {
                "name": name,
                "vhost": VIRTUAL_HOST,
                "type": kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name, kind in sorted(plan.exchanges.items())
        ],
        "queues": [
            {
                "name": name,
                "vhost": VIRTUAL_HOST,
                "durable": True,
                "auto_delete": False,
                "arguments": arguments,
            }
            for name, arguments in sorted(plan.queues.items())
        ],
        "bindings": [
            {
                "source": exchange,
                "vhost": VIRTUAL_HOST,
                "destination": queue,
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
            for queue, exchange, key in sorted(plan.bindings)
        ],
    }


def password_hash(password: str) -> str:
    """As RabbitMQ keeps a password: a salt of four bytes, then SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _tables() -> list[Service]:
    return [owner.table() for owner in SERVICES.values()]


def _everything_declared() -> Plan:
    plan = Plan()
    declarer = topology.Declarer(plan)
    plan.exchange_declare(topology.RPC_EXCHANGE, "topic")
    for service in published():
        plan.exchange_declare(topology.events_exchange(service), "topic")
    for table in _tables():
        declarer.events(table, topology.RETRY_DELAYS_SECONDS)
        declarer.journals(table, PARTITIONS)
    return plan


def _calls_by(user: str) -> Mapping[str, Iterable[str]]:
    """The calls that a user's process makes, by service."""
    if user not in (GATEWAY, TOOLS):
        return CALLED.get(user, {})
    tables = [*_tables(), *(writer_service(partition) for partition in PARTITIONS)]
    return {
        table.name: [call for call in table.calls if user == TOOLS or call != JOURNAL_CALL]
        for table in tables
        if table.calls
    }


def _let_call(given: Rights, user: str, calls: Mapping[str, Iterable[str]]) -> None:
    reply = rf"rpc\.reply-{user}-{REPLY_ID}"
    given.owns_queue(reply)
    given.binds(topology.RPC_EXCHANGE, [reply])
    keys = [rf"{service}\.({'|'.join(sorted(methods))})" for service, methods in calls.items()]
    given.sends(topology.RPC_EXCHANGE, keys)


def _let_answer(given: Rights, table: Service) -> None:
    queue = topology.rpc_queue(table.name)
    given.owns_queue(re.escape(queue.name))
    given.binds(topology.RPC_EXCHANGE, [re.escape(queue.routing_key)])
    given.sends(topology.RPC_EXCHANGE, [ANY_REPLY])


def _let_own(given: Rights, plan: Plan, events: Iterable[str]) -> None:
    """Let a user declare and bind what is planned, consume it, and send on the events that it failed at."""
    given.configure.update(map(re.escape, [*plan.owned, *plan.queues]))
    given.write.update(map(re.escape, [*plan.owned, *plan.queues]))
    for queue, arguments in plan.queues.items():
        # Whoever declares a queue with a dead-letter exchange must be allowed to read the queue.
        if "x-dead-letter-exchange" in arguments or "x-single-active-consumer" in arguments:
            given.read.add(re.escape(queue))
    given.read.update(re.escape(exchange) for _, exchange, _ in plan.bindings)
    for _, exchange, key in plan.bindings:
        if plan.exchanges[exchange] == "topic":
            given.binds(exchange, [re.escape(key)])


def _let_handle_dead_letters(given: Rights) -> None:
    """Let a user look at what consumers have given up, park it anew, and give it back to them."""
    given.configure.add(re.escape(LOCK_QUEUE))
    for table in _tables():
        for key in table.events:
            given.read.add(re.escape(topology.dead_queue(topology.event_queue(table.name, key))))
        if table.events:
            given.write.add(re.escape(topology.redeliver_exchange(table.name)))
            given.write.add(re.escape(topology.dead_exchange(table.name)))


def _any_of(patterns: Iterable[str]) -> str:
    """A pattern that matches what one of them matches, whole; that of none matches nothing."""
    listed = sorted(patterns)
    return f"^({'|'.join(listed)})$" if listed else "^$"
