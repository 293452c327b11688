"""What the API takes and gives: JSON in, JSON or CSV out, and the checks that come before any view."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import msgspec
from flask import Request, Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE, missing
from webargs.flaskparser import FlaskParser

from gateway.asking import signed_in
from gateway.lean import LeanResponse
from gateway.wiring import API_PREFIX
from shared.contracts.errors import Fault, Refusal

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
MAX_IDEMPOTENCY_KEY_LENGTH = 100
MAX_REASON_LENGTH = 200

CSV_ENDPOINTS: set[str] = set()
"""Endpoints that answer CSV as well, by the Accept header."""
NDJSON_ENDPOINTS: set[str] = set()
"""Endpoints that take and give one JSON value a line."""
FORM_ENDPOINTS: set[str] = set()
"""Endpoints that take a form with a file, and check its type themselves."""
FILE_ENDPOINTS: set[str] = set()
"""Endpoints that lead to a file of whatever type."""

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON raises for what is none, or none that we take."""


_encode = msgspec.json.Encoder().encode


def malformed(error: Exception) -> Refusal:
    """The refusal of a body or a line that raised one of `UNREADABLE`."""
    return Refusal("malformed-json", reason=str(error)[:MAX_REASON_LENGTH])


class _StrictParser(FlaskParser):
    """What we do not know is refused, wherever it stands: a misspelt field must not pass for one left out."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}  # noqa: RUF012 (as in its base)

    def _raw_load_json(self, req: Request) -> Any:
        """The body as the hot path reads JSON, which takes nothing that could not be written again: no halves
        of characters, no numbers beyond all bounds, no endless nesting.
        """
        raw = req.get_data(cache=True)
        if not raw:
            return missing
        try:
            return msgspec.json.decode(raw)
        except UNREADABLE as error:
            raise malformed(error) from error


class _Part(Blueprint):
    ARGUMENTS_PARSER = _StrictParser()


def blueprint(name: str, description: str) -> Blueprint:
    """A part of the API whose requests are checked for what they send and what they accept."""
    part = _Part(name, name, url_prefix=API_PREFIX, description=description)
    part.before_request(check_types)
    return part


def check_types() -> None:
    """Refuse a body that is no JSON, and a request for a form that this address does not have."""
    # One look-up instead of six: this runs for every payment.
    here: Request = request._get_current_object()  # type: ignore[attr-defined]
    endpoint = here.endpoint or ""
    lines = endpoint in NDJSON_ENDPOINTS
    if here.method in ("POST", "PUT", "PATCH") and endpoint not in FORM_ENDPOINTS:
        expected = NDJSON if lines else JSON
        if here.environ.get("CONTENT_TYPE") != expected and here.mimetype != expected:
            raise Refusal("unsupported-media-type", expected=expected)
    if "HTTP_ACCEPT" not in here.environ or endpoint in FILE_ENDPOINTS:
        return
    available = [NDJSON] if lines else [JSON, CSV] if endpoint in CSV_ENDPOINTS else [JSON]
    accepted = here.accept_mimetypes
    if accepted and accepted.best_match([*available, "application/problem+json"]) is None:
        raise Refusal("not-acceptable", available=", ".join(available))


def takes(most_bytes: int) -> Callable[[Callable[Asked, Answer]], Callable[Asked, Answer]]:
    """Let an address take bodies larger than others do, of those who are signed in. It stands above what
    reads the body.
    """

    def larger(view: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        @wraps(view)
        def asked(*arguments: Asked.args, **named: Asked.kwargs) -> Answer:
            signed_in()
            request.max_content_length = most_bytes
            return view(*arguments, **named)

        return asked

    return larger


def json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return LeanResponse(_encode(data), status, headers, content_type=JSON)


def idempotency_key() -> str | None:
    """The request's Idempotency-Key, if any. Raises Refusal `invalid-request` for one that is empty or too
    long.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        fault = Fault("", "invalid", f"Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters")
        raise Refusal("invalid-request", (fault,))
    return key
