"""The outermost layer: every request traced and measured, every answer dressed in its security headers.

Below Flask, in plain WSGI, since all of it happens for every single payment.
"""

import time
from collections.abc import Iterable
from functools import cache
from typing import Any

from prometheus_client import Histogram

from shared.observability import trace

HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from a request's arrival to the beginning of its answer",
    ["method", "route", "status"],
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)
API_PAGE_POLICY = POLICY + "; style-src 'self' 'unsafe-inline'"
"""The browsable page of the API sets styles from its script."""
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
TRANSPORT_SECURITY = ("Strict-Transport-Security", "max-age=31536000")

Environ = dict[str, Any]


class Edge:
    """Wraps the application. `cookie` names the session's cookie; `https`: people come by https."""

    def __init__(self, app: Any, *, cookie: str, https: bool) -> None:
        self._app = app
        self._cookie = cookie + "="
        self._https = https

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        started = time.perf_counter()

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            _observe(environ, status, time.perf_counter() - started)
            return start_response(status, self._dressed(environ, headers), *rest)

        with trace.continued(environ.get("HTTP_TRACEPARENT", "")):
            answer: Iterable[bytes] = self._app(environ, begin)
            return answer

    def _dressed(self, environ: Environ, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        given = {name.lower() for name, _ in headers}
        more = [*HEADERS, ("traceparent", trace.traceparent())]
        if "content-security-policy" not in given:
            more.append(("Content-Security-Policy", POLICY))
        if "cache-control" not in given:
            # Whatever depends on who asks stays out of shared caches and off the disk.
            more.append(("Cache-Control", "no-store" if self._is_somebody(environ) else "no-cache"))
        if self._https or environ.get("wsgi.url_scheme") == "https":
            more.append(TRANSPORT_SECURITY)
        return headers + more

    def _is_somebody(self, environ: Environ) -> bool:
        return "HTTP_AUTHORIZATION" in environ or self._cookie in environ.get("HTTP_COOKIE", "")


def _observe(environ: Environ, status: str, seconds: float) -> None:
    request = environ.get("werkzeug.request")
    rule = getattr(request, "url_rule", None)
    route = rule.rule if rule else "unmatched"
    method = environ["REQUEST_METHOD"]
    _labelled(method if method in METHODS else "other", route, status[:3]).observe(seconds)


@cache
def _labelled(method: str, route: str, status: str) -> Histogram:
    """What the library finds anew each time: there are as many as it keeps itself."""
    return HTTP_DURATION.labels(method, route, status)
