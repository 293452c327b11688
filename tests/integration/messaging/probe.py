"""A service that tells what reached it, and the process that serves it on RabbitMQ.

`python -m tests.integration.messaging.probe URL NAME SOURCE PUBLIC_KEY` prints "ready" once it serves.
"""

if __name__ == "__main__":
    from shared.messaging.amqp.patching import prepare_eventlet

    prepare_eventlet()

import base64
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from marshmallow import fields, validate
from prometheus_client import REGISTRY

from shared.auth.tokens import TrustedIssuer, Verifier
from shared.contracts.errors import Refusal
from shared.contracts.events import Event
from shared.contracts.journal import JournalRecord
from shared.contracts.ledger import Arguments
from shared.messaging.service import Call, Request, Service
from shared.observability import trace

ISSUER = "identity"
ROUTING_KEY = "thing.happened.v1"
RETRY_DELAYS_SECONDS = (0.1, 0.2)
WORKERS = 10


class Probe:
    """What reached the service: how often each event was handled, which work was done, which records came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.handled: Counter[str] = Counter()
        self.carried_out: list[str] = []
        self.sequences: list[int] = []

    def note_event(self, event: Event) -> int:
        with self._lock:
            self.handled[event.subject] += 1
            return self.handled[event.subject]

    def note_call(self, name: str) -> None:
        with self._lock:
            self.carried_out.append(name)


class OneAmount(Arguments):
    amount = fields.Integer(strict=True, required=True, validate=validate.Range(1, 10))


def echo(probe: Probe, request: Request) -> Any:
    return dict(request.arguments)


def refuse(probe: Probe, request: Request) -> Any:
    raise Refusal("insufficient-balance", available="1.00 PUMA", amount="2.00 PUMA")


def crash(probe: Probe, request: Request) -> Any:
    raise RuntimeError("what must stay inside")


def not_json(probe: Probe, request: Request) -> Any:
    return {"at": object()}


def whoami(probe: Probe, request: Request) -> Any:
    return {"subject": request.principal.subject, "roles": sorted(request.principal.roles)}


def trace_id(probe: Probe, request: Request) -> Any:
    return trace.trace_id()


def work(probe: Probe, request: Request) -> Any:
    """Take `seconds`, then be noted as carried out under `name`."""
    time.sleep(request.arguments.get("seconds", 0))
    probe.note_call(request.arguments["name"])
    return request.arguments["name"]


def noted(probe: Probe, request: Request) -> Any:
    return {"handled": dict(probe.handled), "carried_out": list(probe.carried_out)}


def counted(probe: Probe, request: Request) -> Any:
    """How many events this process counts for a queue, with an outcome."""
    return REGISTRY.get_sample_value("consumer_messages_total", dict(request.arguments)) or 0


def hear(probe: Probe, event: Event) -> None:
    """Handle an event whose subject says how: "fails <n> ..." fails n times, "fails always ..." for ever."""
    times = probe.note_event(event)
    word, _, rest = event.subject.partition(" ")
    if word == "fails":
        limit = rest.partition(" ")[0].rstrip(",")
        if limit == "always" or times <= int(limit):
            raise RuntimeError("a sentence that names nobody outside the log")


def read_journal(probe: Probe, records: Sequence[JournalRecord]) -> None:
    """Note the records; a batch that begins with a negative sequence fails."""
    if records[0].sequence < 0:
        raise RuntimeError("cannot be applied")
    probe.sequences += [record.sequence for record in records]


def probe_service(name: str, source: str) -> Service:
    return Service(
        name=name,
        calls={
            "echo": Call(echo, None, open_to_all=True),
            "refuse": Call(refuse, None, open_to_all=True),
            "crash": Call(crash, None, open_to_all=True),
            "not_json": Call(not_json, None, open_to_all=True),
            "one_amount": Call(echo, OneAmount, open_to_all=True),
            "whoami": Call(whoami, None),
            "trace_id": Call(trace_id, None, open_to_all=True),
            "work": Call(work, None, open_to_all=True),
            "noted": Call(noted, None, open_to_all=True),
            "counted": Call(counted, None, open_to_all=True),
        },
        events={f"{source}.{ROUTING_KEY}": hear},
        journals={source: read_journal},
    )


def verifier_by(key: Ed25519PublicKey) -> Callable[[Service], Verifier]:
    issuers = {ISSUER: TrustedIssuer(key, frozenset({"member"}))}
    return lambda service: Verifier(service.token_audience, issuers)


def main(url: str, name: str, source: str, public_key: str) -> None:
    from shared.messaging.amqp.runner import serve

    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    serve(
        [(probe_service(name, source), Probe())],
        url,
        verifier_by(key),
        lambda: print("ready", flush=True),
        max_workers=WORKERS,
        retry_delays_seconds=RETRY_DELAYS_SECONDS,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
