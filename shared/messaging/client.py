"""Calling services: one small interface, whatever carries the message."""

from collections.abc import Mapping
from typing import Any, Protocol

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
