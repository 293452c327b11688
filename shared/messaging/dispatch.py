"""From a message to a handler and back: the same for every carrier.

A request is `{"arguments": {...}, "token": "..."|null, "not_after": microseconds, "traceparent": "..."}`, a
reply `{"result": ...}` or `{"refusal": {...}}`. Nothing but these replies leaves a service: an unexpected
fault is logged with its trace and answered as `internal-error`. A database that is away is no fault of ours:
that is `service-unavailable`, nothing was done; or `outcome-unknown` where it went away during the commit. A
carrier may leave the arguments as JSON (`msgspec.Raw`); results may hold structs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from marshmallow import ValidationError

from shared.auth.tokens import Verifier
from shared.contracts import clock
from shared.contracts.errors import Fault, Refusal
from shared.contracts.primitives import PATTERN_MEANINGS, TEXT_PATTERN
from shared.db.faults import is_away, is_uncertain
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
                except Exception as error:
                    answer = self._refusal_of(error, message)
                    outcome.set(answer.slug)
                    about = {"service": self.service.name, "method": method}
                    if answer.slug == "internal-error":
                        log.exception("call_failed", **about)
                    else:
                        log.warning("database_away", reason=str(error), **about)
                    return {"refusal": answer.to_wire()}

    def _refusal_of(self, error: Exception, message: Mapping[str, Any]) -> Refusal:
        if is_uncertain(error):
            return Refusal("outcome-unknown", address="", after=clock.to_text(message["not_after"]))
        if is_away(error):
            return Refusal("service-unavailable", service=self.service.name)
        return Refusal("internal-error")

    def _run(self, method: str, message: Mapping[str, Any]) -> Any:
        call = self.service.calls.get(method)
        if call is None:
            raise Refusal("unknown-call", service=self.service.name, call=method)
        not_after, token, arguments = (message.get(key) for key in ("not_after", "token", "arguments"))
        if type(not_after) is not int or not 0 <= not_after <= clock.LAST_US:
            raise Refusal("invalid-request", (Fault("/not_after", "invalid", "Unix microseconds"),))
        if not_after < clock.now_us():
            raise Refusal("late", not_after=clock.to_text(not_after))
        encoded = arguments if call.encoded and isinstance(arguments, msgspec.Raw) else None
        arguments = {} if encoded is not None else _plain(arguments)
        if not isinstance(token, str | None):
            raise Refusal("not-signed-in")
        # An open call knows who asks where they say so; who says it wrongly is refused like anywhere else.
        caller = None if call.open_to_all and token is None else self._verifier.verify(token)
        return call.handler(self.resources, Request(load(call, arguments), caller, not_after, encoded))


def _plain(arguments: Any) -> Mapping[str, Any]:
    """The arguments of a message as plain data. Raises Refusal `invalid-request` for what is no object."""
    if isinstance(arguments, msgspec.Raw):
        try:
            arguments = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal("invalid-request", (Fault("/arguments", "invalid", "JSON"),)) from error
    if not isinstance(arguments, Mapping | None):
        raise Refusal("invalid-request", (Fault("/arguments", "invalid", "an object"),))
    return arguments or {}


def load(call: Call, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The validated arguments of a call. Raises Refusal `invalid-request`, naming each field at fault."""
    if call.schema is None:
        return arguments
    if faults := tuple(_nul_in(arguments)):
        raise Refusal("invalid-request", faults)
    try:
        loaded: Mapping[str, Any] = call.schema().load(dict(arguments))
        return loaded
    except ValidationError as error:
        raise Refusal("invalid-request", tuple(faults_of(error.messages_dict))) from error


def _nul_in(value: Any, pointer: str = "") -> Iterator[Fault]:
    """Where texts have the character that PostgreSQL does not store, on whichever engine this runs."""
    if isinstance(value, str):
        if "\0" in value:
            yield Fault(pointer, "invalid", PATTERN_MEANINGS[TEXT_PATTERN])
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nul_in(inner, f"{pointer}/{escaped(key)}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _nul_in(inner, f"{pointer}/{number}")


def escaped(key: object) -> str:
    """A key as a step of an RFC 6901 pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def faults_of(messages: Mapping[Any, Any], pointer: str = "") -> list[Fault]:
    """marshmallow's nested messages as a flat list of faults with RFC 6901 pointers."""
    faults: list[Fault] = []
    for key, value in messages.items():
        here = pointer if key == "_schema" else f"{pointer}/{escaped(key)}"
        if isinstance(value, Mapping):
            faults += faults_of(value, here)
        else:
            faults += [Fault(here, "invalid", str(sentence)) for sentence in value]
    return faults
