"""Flask, with the steps that come to the same for every request of an address taken once.

Nothing is left out: what is registered runs, and whatever is out of the ordinary takes Flask's own way.
"""

import io
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Request, Response
from flask.ctx import RequestContext
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from flask.signals import request_tearing_down
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.routing import MapAdapter, Rule

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
KNOWN_HOSTS = 100
"""Clients choose what they call us, so that names are remembered only while they are among the last."""
_READ_ALREADY = frozenset({"_cached_data", "form", "stream"})
_PLAIN_LOCATION = re.compile(r"[A-Za-z0-9/._~-]*")

Before = Callable[[], Any]
After = Callable[[Response], Response]


class LeanResponse(Response):
    """An answer that is handed to the server without being copied, where it is whole and plain."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = self.response
        headers = self.headers.to_wsgi_list()
        if (
            type(body) is not list
            or self._on_close
            or environ["REQUEST_METHOD"] not in METHODS
            or not 200 <= self._status_code < 600
            or self._status_code in (204, 304)
            or not _are_plain(headers)
        ):
            return super().__call__(environ, start_response)
        start_response(self._status, headers)
        return body


def _are_plain(headers: list[tuple[str, str]]) -> bool:
    """Whether headers tell the length, and are such that Flask would leave them as they are."""
    has_length = False
    for name, value in headers:
        lower = name.lower()
        if lower == "content-length":
            has_length = True
        elif lower == "content-location" or (lower == "location" and not _PLAIN_LOCATION.fullmatch(value)):
            return False
    return has_length


class LeanRequest(Request):
    """A request whose body is taken at once where the server has it whole."""

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """As Flask's own, with its limits: no longer than allowed, as long as announced or an error."""
        source = self.environ["wsgi.input"]
        length = self.environ.get("CONTENT_LENGTH", "")
        if (
            type(source) is not io.BytesIO
            or not (length.isascii() and length.isdecimal())
            or "HTTP_TRANSFER_ENCODING" in self.environ
            or parse_form_data
            or not self.__dict__.keys().isdisjoint(_READ_ALREADY)
        ):
            return super().get_data(cache, as_text, parse_form_data)  # type: ignore[call-overload]
        size, limit = int(length), self.max_content_length
        if limit is not None and size > limit:
            raise RequestEntityTooLarge
        whole = source.read(size)
        if len(whole) < size:
            raise ClientDisconnected
        self.__dict__["stream"] = io.BytesIO()
        if cache:
            self._cached_data = whole
        return whole.decode(errors="replace") if as_text else whole


class _NoSession(SessionInterface):
    """Flask's own session, which nothing here uses."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self._none


class _Context(RequestContext):
    app: "LeanFlask"

    def match_request(self) -> None:
        adapter = self.url_adapter
        if adapter is None or adapter.websocket or adapter.default_method not in METHODS:
            super().match_request()
            return
        address = adapter.default_method, adapter.path_info
        rule = self.app.constant_rules.get(address)
        if rule is not None:
            self.request.url_rule, self.request.view_args = rule, {}
            return
        super().match_request()
        rule = self.request.url_rule
        if rule is not None and not rule.arguments:
            self.app.constant_rules[address] = rule


class LeanFlask(Flask):
    """See this module."""

    request_class = LeanRequest
    response_class = LeanResponse
    session_interface = _NoSession()

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.constant_rules: dict[tuple[str, str], Rule] = {}
        """Where addresses without anything variable lead to: there are no more than rules."""
        self._before: dict[str | None, tuple[Before, ...]] = {}
        self._after: dict[str | None, tuple[After, ...]] = {}
        self._adapters: dict[tuple[str | None, str], tuple[dict[str, Any], str]] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: no view here is asynchronous, and Flask would look ten times a request."""
        return func

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        return _Context(self, environ)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        config = self.config
        if config["SERVER_NAME"] is not None or config["TRUSTED_HOSTS"] is not None:
            return super().create_url_adapter(request)
        if request is None:
            return None
        environ = request.environ
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING")
        if (
            "HTTP_UPGRADE" in environ
            or environ["SCRIPT_NAME"]
            or query is None
            or not (path.isascii() and query.isascii())
        ):
            return super().create_url_adapter(request)
        called = environ.get("HTTP_HOST"), environ["wsgi.url_scheme"]
        known = self._adapters.get(called)
        if known is None:
            made = super().create_url_adapter(request)
            if made is not None and called[0] and request.host:
                if len(self._adapters) >= KNOWN_HOSTS:
                    self._adapters.clear()
                self._adapters[called] = made.__dict__, request.host
            return made
        adapter = MapAdapter.__new__(MapAdapter)
        adapter.__dict__.update(known[0])
        adapter.path_info, adapter.query_args = path, query
        adapter.default_method = environ["REQUEST_METHOD"]
        request.host = known[1]
        return adapter

    def preprocess_request(self) -> Any:
        if self.url_value_preprocessors:
            return super().preprocess_request()
        for function in self._hooks(self._before, _befores):
            answer = function()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]
        for function in context._after_request_functions:
            response = function(response)
        for function in self._hooks(self._after, _afters):
            response = function(response)
        return response

    def do_teardown_request(self, *fault: Any) -> None:
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(*fault)

    def _hooks(self, known: dict[str | None, Any], listed: Callable[["LeanFlask", Request], Any]) -> Any:
        """The functions to call for this request: the same for all requests of an endpoint, since nothing can
        be registered once the first request is there.
        """
        request = request_ctx.request
        rule = request.url_rule
        endpoint = rule.endpoint if rule is not None else None
        found = known.get(endpoint)
        if found is None:
            found = known[endpoint] = listed(self, request)
        return found


def _befores(app: Flask, request: Request) -> tuple[Before, ...]:
    names = (None, *reversed(request.blueprints))
    return tuple(function for name in names for function in app.before_request_funcs.get(name, ()))


def _afters(app: Flask, request: Request) -> tuple[After, ...]:
    names = (*request.blueprints, None)
    return tuple(function for name in names for function in reversed(app.after_request_funcs.get(name, ())))
