"""Trace context (W3C Trace Context): one trace id follows a request through HTTP, RPC and events."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("trace_id", default="")


def trace_id() -> str:
    """The trace id of what runs now; empty outside any trace."""
    return _current.get()


def traceparent() -> str:
    """The header that hands the current trace on, with a span id of its own; empty outside any trace."""
    current = _current.get()
    return f"00-{current}-{secrets.token_hex(8)}-01" if current else ""


@contextmanager
def continued(parent: str) -> Iterator[str]:
    """Run inside the trace that `parent` (a traceparent header) names, or inside a new one where it names
    none.
    """
    match = _TRACEPARENT.fullmatch(parent) if isinstance(parent, str) else None
    token = _current.set(match.group(1) if match else secrets.token_hex(16))
    try:
        yield _current.get()
    finally:
        _current.reset(token)
