"""Who asks, until when, and asking services in their name."""

import contextvars
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import g, request

from gateway.sessions import AUDIENCES, SignedIn
from gateway.wiring import wiring
from shared.contracts import clock
from shared.contracts.errors import Refusal

COOKIE = "medtown_session"
REQUEST_SECONDS = 5.0
"""How long a request may take, from its arrival to the last answer of a service."""
BULK_SECONDS = 45.0
"""The same for a bulk upload; shorter than what is left to any token that is handed on."""
MAX_SECRET_LENGTH = 200

_parallel = ThreadPoolExecutor(max_workers=32, thread_name_prefix="together")


def not_after() -> int:
    """When this request must be answered, in Unix microseconds."""
    until: int | None = g.get("not_after")
    if until is None:
        until = g.not_after = clock.deadline(REQUEST_SECONDS)
    return until


def start_again(seconds: float) -> None:
    """Count from now: for a request whose body took long to arrive. Who asks is found out again when next
    asked for, since a token may have ended meanwhile.
    """
    g.not_after = clock.deadline(seconds)
    g.pop("signed_in", None)


def secret() -> str | None:
    """The session's secret that came with the request: its bearer token, or else its cookie."""
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is not None:
        scheme, _, value = header.partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""
    return request.cookies.get(COOKIE)


def signed_in() -> SignedIn:
    """The person who asks. Raises Refusal `not-signed-in`."""
    found: SignedIn | None = g.get("signed_in")
    if found is None:
        given = secret()
        if not given or len(given) > MAX_SECRET_LENGTH:
            raise Refusal("not-signed-in")
        found = g.signed_in = wiring().sessions.exchange(given, not_after())
    return found


def maybe_signed_in() -> SignedIn | None:
    """The person who asks, or None where nobody is signed in or it cannot be known now."""
    if "maybe_signed_in" not in g:
        g.maybe_signed_in = None
        if secret():
            try:
                g.maybe_signed_in = signed_in()
            except Refusal as refusal:
                if refusal.slug not in ("not-signed-in", "service-unavailable", "outcome-unknown", "late"):
                    raise
    found: SignedIn | None = g.maybe_signed_in
    return found


def ask(service: str, method: str, /, **arguments: Any) -> Any:
    """A service's answer to the person who asks."""
    person = signed_in()
    try:
        return wiring().client.call(
            service, method, arguments, token=person.tokens[AUDIENCES[service]], not_after=not_after()
        )
    except Refusal as refusal:
        if refusal.slug == "not-signed-in":
            wiring().sessions.forget(person.secret)
        raise


def ask_as_reader(service: str, method: str, /, **arguments: Any) -> Any:
    """A service's answer to who asks, who need not be signed in; but a session that has ended is refused."""
    return ask(service, method, **arguments) if secret() else ask_openly(service, method, arguments)


def ask_openly(service: str, method: str, arguments: Mapping[str, Any]) -> Any:
    """A service's answer to anybody."""
    return wiring().client.call(service, method, arguments, not_after=not_after())


def together(*functions: Callable[[], Any]) -> list[Any]:
    """Run independent questions at the same time; their answers in order. The first refusal is raised."""
    first, *others = functions
    futures = [_parallel.submit(contextvars.copy_context().run, function) for function in others]
    answers = [first()]
    return answers + [future.result() for future in futures]
