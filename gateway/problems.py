"""Errors as readers get them: RFC 9457 problem+json for programs, a page with the same facts for people."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Flask, Response, g, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from gateway import i18n
from gateway.i18n import gettext as _
from gateway.reader import in_words
from gateway.wiring import API_PREFIX, public_url
from shared.contracts.errors import Fault, Problem, Refusal
from shared.messaging.dispatch import faults_of
from shared.observability.logs import get_logger

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 2
"""What a caller is told to wait where nothing better is known."""

_CODED = frozenset({"status", "period", "kind"})
"""Parameters of refusals that are codes of the ledger's."""

log = get_logger(__name__)


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def title(problem: Problem) -> str:
    """A problem's name in the reader's language."""
    return i18n.translated(problem.title)


def detail(refusal: Refusal) -> str:
    """What is wrong and the way out, in the reader's language."""
    parameters = {name: _said(name, value) for name, value in refusal.parameters.items()}
    if i18n.direction() == "rtl":
        # Ids and amounts run from left to right by themselves, whatever stands around them.
        parameters = {name: f"\u2068{value}\u2069" for name, value in parameters.items()}
    return i18n.translated(refusal.sentence).format_map(_Known(parameters))


def _said(name: str, value: Any) -> Any:
    """A parameter that is one of the ledger's codes, as the reader says it."""
    if name not in _CODED:
        return value
    words = {
        "pending": _("pending"),
        "posted": _("carried out"),
        "voided": _("cancelled by the payee"),
        "lapsed": _("lapsed"),
        "approved": _("approved"),
        "rejected": _("rejected"),
        "done": _("finished"),
        "cancelled": _("cancelled"),
        "per_transfer": _("per transfer"),
        "per_day": _("per day"),
        "per_month": _("per month"),
        "payment": _("payment"),
        "issuance": _("issuance"),
        "redemption": _("redemption"),
    }
    return words.get(value, value)


def body(refusal: Refusal, instance: str, base: str) -> dict[str, Any]:
    """The problem+json object of a refusal. `base` is the public address."""
    problem = refusal.problem
    answer: dict[str, Any] = {
        "type": f"{base}/problems/{problem.slug}",
        "title": title(problem),
        "status": problem.status,
        "detail": detail(refusal),
        "instance": instance,
    }
    if refusal.parameters:
        answer["parameters"] = refusal.parameters
    if refusal.faults:
        answer["errors"] = [fault._asdict() for fault in refusal.faults]
    return answer


def response(refusal: Refusal) -> Response:
    """A refusal as the kind of answer that this request wants."""
    problem = refusal.problem
    answer = _as_json(refusal) if wants_json() else _as_page(refusal)
    answer.status_code = problem.status
    if problem.status in (429, 503):
        answer.headers["Retry-After"] = str(refusal.parameters.get("seconds", RETRY_SECONDS))
    if problem.status == 401 and wants_json():
        answer.headers["WWW-Authenticate"] = 'Bearer realm="medtown"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def wants_json() -> bool:
    """Whether this request is a program's: anything below the API, or a client that prefers JSON to pages."""
    if request.path == API_PREFIX or request.path.startswith(API_PREFIX + "/"):
        return True
    best = request.accept_mimetypes.best_match(("text/html", "application/json", CONTENT_TYPE), "text/html")
    return best != "text/html"


def register(app: Flask) -> None:
    """Answer every error of the application as a problem."""
    app.register_error_handler(Refusal, _on_refusal)
    app.register_error_handler(ValidationError, _on_invalid)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_fault)


def invalid(messages: Mapping[Any, Any]) -> Refusal:
    """marshmallow's messages as a refusal that names each field at fault."""
    return Refusal("invalid-request", tuple(faults_of(messages)))


def _on_refusal(refusal: Refusal) -> BaseResponse:
    if refusal.slug == "not-signed-in" and _is_page_view():
        return redirect(_sign_in_address(), 303)
    return response(refusal)


def _on_invalid(error: ValidationError) -> BaseResponse:
    return response(invalid(error.messages_dict))


def _on_http_error(error: HTTPException) -> BaseResponse:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    answer = response(_refusal_of(error))
    # Allow, Location and the like, which say what this answer means.
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers.setdefault(name, value)
    return answer


def _on_fault(error: Exception) -> BaseResponse:
    log.exception("request_failed", route=str(request.url_rule or ""), method=request.method)
    return response(Refusal("internal-error"))


def _refusal_of(error: HTTPException) -> Refusal:
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    if "messages" in data and error.code == 400:
        # What webargs could not read at all.
        [(_place, sentences)] = data["messages"].items()
        return Refusal("malformed-json", reason=" ".join(sentences).removesuffix("."))
    if "messages" in data:
        # What webargs found: {"json": {field: [...]}} or {"query": {...}}.
        places = data["messages"].items()
        faults = [fault for place, found in places for fault in _faults_in(place, found)]
        return Refusal("invalid-request", tuple(faults))
    match error.code:
        case 400:
            return Refusal("malformed-json", reason=error.description or "")
        case 404:
            return Refusal("not-found")
        case 405:
            allowed = sorted(getattr(error, "valid_methods", None) or ())
            return Refusal("method-not-allowed", allowed=", ".join(allowed))
        case 406:
            return Refusal("not-acceptable", available="application/json")
        case 413:
            return Refusal("too-large", limit=request.max_content_length)
        case 415:
            return Refusal("unsupported-media-type", expected="application/json")
        case _:
            log.error("http_error", code=error.code, detail=error.description)
            return Refusal("internal-error" if (error.code or 500) >= 500 else "invalid-request")


def _faults_in(place: str, found: Any) -> list[Fault]:
    if isinstance(found, Mapping):
        return faults_of(found)
    return [Fault("", "invalid", str(sentence)) for sentence in found]


def _as_json(refusal: Refusal) -> Response:
    content = body(refusal, request.path, public_url())
    return in_words(Response(msgspec.json.encode(content), content_type=CONTENT_TYPE))


def _as_page(refusal: Refusal) -> Response:
    problem = refusal.problem
    if problem.status >= 500 or problem.status == 429:
        # Services may be what failed, or asked too much: the page shows what is known of who reads it.
        g.setdefault("maybe_signed_in", g.get("signed_in"))
    page = render_template(
        "problem.html", problem=problem, title=title(problem), detail=detail(refusal), faults=refusal.faults
    )
    return Response(page, content_type="text/html; charset=utf-8")


def _is_page_view() -> bool:
    return request.method in ("GET", "HEAD") and not wants_json() and request.path != "/sign-in"


def _sign_in_address() -> str:
    target = request.full_path if request.query_string else request.path
    return f"/sign-in?next={quote(target, safe='')}"
