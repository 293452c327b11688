"""Calling services: one small interface, whatever carries the message."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol, cast

import msgspec

from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.observability import trace

DEFAULT_TIMEOUT_SECONDS = 5.0


class Client(Protocol):
    """Calls a service's method and returns its JSON result. `arguments` may hold structs.

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


class ReadingClient(Client, Protocol):
    """A client that reads a result as what `kind` says, in one pass, by a compiled schema; as plain data
    without it. A result that does not fit raises msgspec.ValidationError.
    """

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
        kind: Any = None,
    ) -> Any: ...


def request_message(arguments: Mapping[str, Any], token: str | None, not_after: int | None) -> dict[str, Any]:
    """The request message of a call made now."""
    return {
        "arguments": dict(arguments),
        "token": token,
        "not_after": clock.deadline(DEFAULT_TIMEOUT_SECONDS) if not_after is None else not_after,
        "traceparent": trace.traceparent(),
    }


class Reply(msgspec.Struct, frozen=True):
    """What every service replies: a result or a refusal. `reply_of` makes it for a kind of result."""

    result: Any = msgspec.UNSET
    refusal: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET

    def value(self) -> Any:
        """The result. Raises the Refusal that came instead of it."""
        if self.refusal is not msgspec.UNSET:
            raise Refusal.from_wire(self.refusal)
        if self.result is msgspec.UNSET:
            raise msgspec.ValidationError("a reply has a result or a refusal")
        return self.result


@cache
def reply_of(kind: Any) -> type[Reply]:
    """Replies whose result is of this kind; None for whatever JSON there is. For a few kinds, made once."""
    if kind is None:
        return Reply
    fields = [("result", kind | msgspec.UnsetType, msgspec.UNSET)]
    return cast(type[Reply], msgspec.defstruct("Reply", fields, bases=(Reply,), frozen=True))
