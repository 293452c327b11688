"""Calling services: one small interface, whatever carries the message."""

from collections.abc import Mapping
from typing import Any, Protocol

from shared.contracts import clock
from shared.observability import trace

DEFAULT_TIMEOUT_SECONDS = 5.0


class Client(Protocol):
    """Calls a service's method and returns its JSON result.

    Raises the `Refusal` that the service answered; `service-unavailable` where nobody serves that name or
    the request surely was not taken; `outcome-unknown` where the deadline passed without an answer.
    `not_after` is absolute Unix microseconds, travels with the message as its time to live, and defaults to
    `DEFAULT_TIMEOUT_SECONDS` from now. Safe to use from many threads.
    """

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
    ) -> Any: ...

    def close(self) -> None: ...


def request_message(arguments: Mapping[str, Any], token: str | None, not_after: int | None) -> dict[str, Any]:
    """The request message of a call made now."""
    return {
        "arguments": dict(arguments),
        "token": token,
        "not_after": clock.deadline(DEFAULT_TIMEOUT_SECONDS) if not_after is None else not_after,
        "traceparent": trace.traceparent(),
    }
