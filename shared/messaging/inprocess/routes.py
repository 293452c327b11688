"""Calls inside one process: from a service's name to its dispatcher, by way of JSON, as over a network."""

from collections.abc import Mapping
from typing import Any

import msgspec

from shared.contracts.errors import Refusal
from shared.messaging.client import reply_of, request_message
from shared.messaging.dispatch import Dispatcher
from shared.observability.logs import get_logger

log = get_logger(__name__)


class Routes:
    """The dispatchers of the services in this process, by name."""

    def __init__(self) -> None:
        self._dispatchers: dict[str, Dispatcher] = {}

    def add(self, dispatcher: Dispatcher) -> None:
        """Serve one more service. Raises ValueError where its name is served already."""
        name = dispatcher.service.name
        if name in self._dispatchers:
            raise ValueError(f"the service {name} is registered twice")
        self._dispatchers[name] = dispatcher

    def close(self) -> None:
        """Serve nothing any more."""
        self._dispatchers = {}

    def answer(self, service: str, method: str, message: Mapping[str, Any]) -> bytes:
        """The encoded reply to one request message, which came out of JSON. Never raises."""
        dispatcher = self._dispatchers.get(service)
        if dispatcher is None:
            return _refusal(Refusal("service-unavailable", service=service))
        reply = dispatcher.handle(method, message)
        try:
            return msgspec.json.encode(reply)
        except (TypeError, ValueError):
            log.exception("reply_not_json", service=service, method=method)
            return _refusal(Refusal("internal-error"))


class InProcessClient:
    """A Client whose calls run in the caller's thread.

    Nothing interrupts a handler: one that finishes after `not_after` still answers.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
        kind: Any = None,
    ) -> Any:
        message = request_message(arguments, token, not_after)
        # There and back through JSON: no handler may come to lean on types that a network would not carry.
        return result_of(
            self._routes.answer(service, method, msgspec.json.decode(msgspec.json.encode(message))), kind
        )

    def close(self) -> None:
        """Nothing to close: the routes belong to the bus."""


def result_of(reply: bytes, kind: Any = None) -> Any:
    """The result in an encoded reply, as `Client.call` gives it. Raises the Refusal that it carries."""
    return msgspec.json.decode(reply, type=reply_of(kind)).value()


def _refusal(refusal: Refusal) -> bytes:
    return msgspec.json.encode({"refusal": refusal.to_wire()})
