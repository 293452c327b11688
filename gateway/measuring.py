"""Every request measured and traced."""

import time

from flask import Flask, Response, g, request
from prometheus_client import Histogram

from shared.observability import trace

HTTP_DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from a request's arrival to the beginning of its answer",
    ["method", "route", "status"],
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register(app: Flask) -> None:
    """Join the caller's trace or begin one, and observe how long each route takes."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_leave)


def _begin() -> None:
    g.started = time.perf_counter()
    g.trace = trace.continued(request.headers.get("traceparent", ""))
    g.trace.__enter__()


def _end(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "unmatched"
    method = request.method if request.method in METHODS else "other"
    duration = time.perf_counter() - g.started
    HTTP_DURATION.labels(method, route, str(response.status_code)).observe(duration)
    response.headers["traceparent"] = trace.traceparent()
    return response


def _leave(_error: BaseException | None) -> None:
    entered = g.pop("trace", None)
    if entered is not None:
        entered.__exit__(None, None, None)
