"""From a message to a handler and back: the same for every carrier.

A request is `{"arguments": {...}, "token": "..."|null, "not_after": microseconds, "traceparent": "..."}`, a
reply `{"result": ...}` or `{"refusal": {...}}`. Nothing but these replies leaves a service: an unexpected
fault is logged with its trace and answered as `internal-error`.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from shared.auth.tokens import Verifier
from shared.contracts import clock
from shared.contracts.errors import Fault, Refusal
from shared.messaging.service import Call, Request, Service
from shared.observability import trace
from shared.observability.logs import get_logger
from shared.observability.metrics import RPC_DURATION, timed

log = get_logger(__name__)


class Dispatcher:
    """Runs the calls of one service with its resources."""

    def __init__(self, service: Service, resources: Any, verifier: Verifier) -> None:
        self.service = service
        self.resources = resources
        self._verifier = verifier

    def handle(self, method: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to one request message. Never raises."""
        with trace.continued(message.get("traceparent", "")):
            with timed(RPC_DURATION, method=f"{self.service.name}.{method}") as outcome:
                try:
                    return {"result": self._run(method, message)}
                except Refusal as refusal:
                    outcome.set(refusal.slug)
                    return {"refusal": refusal.to_wire()}
                except Exception:
                    outcome.set("internal-error")
                    log.exception("call_failed", service=self.service.name, method=method)
                    return {"refusal": Refusal("internal-error").to_wire()}

    def _run(self, method: str, message: Mapping[str, Any]) -> Any:
        call = self.service.calls.get(method)
        if call is None:
            raise Refusal("unknown-call", service=self.service.name, call=method)
        not_after = message.get("not_after")
        if not isinstance(not_after, int) or not_after < clock.now_us():
            raise Refusal("late", not_after=clock.to_text(not_after) if isinstance(not_after, int) else "")
        token = message.get("token")
        # An open call knows who asks where they say so; who says it wrongly is refused like anywhere else.
        caller = None if call.open_to_all and token is None else self._verifier.verify(token)
        arguments = load(call, message.get("arguments") or {})
        return call.handler(self.resources, Request(arguments, caller, not_after))


def load(call: Call, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The validated arguments of a call. Raises Refusal `invalid-request`, naming each field at fault."""
    if call.schema is None:
        return arguments
    try:
        loaded: Mapping[str, Any] = call.schema().load(dict(arguments))
        return loaded
    except ValidationError as error:
        raise Refusal("invalid-request", tuple(faults_of(error.messages_dict))) from error


def faults_of(messages: Mapping[Any, Any], pointer: str = "") -> list[Fault]:
    """marshmallow's nested messages as a flat list of faults with RFC 6901 pointers."""
    faults: list[Fault] = []
    for key, value in messages.items():
        here = pointer if key == "_schema" else f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, Mapping):
            faults += faults_of(value, here)
        else:
            faults += [Fault(here, "invalid", str(sentence)) for sentence in value]
    return faults
