"""What protects readers: no foreign page acts with their cookie, no body goes beyond its limit."""

from flask import Flask, request

from gateway.wiring import public_url
from shared.contracts.errors import Refusal

BODY_LIMIT_BYTES = 64 * 1024
FORM_PARTS_LIMIT = 100
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Check every request."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = BODY_LIMIT_BYTES
    app.config["MAX_FORM_PARTS"] = FORM_PARTS_LIMIT
    app.before_request(refuse_foreign_origin)


def refuse_foreign_origin() -> None:
    """Refuse a change that a page of another site asks for.

    Browsers say where a request comes from and attach cookies by themselves; programs that send a bearer
    token do neither, so a request with a token, or without either header, is no forgery.
    """
    environ = request.environ
    if environ["REQUEST_METHOD"] in SAFE_METHODS or "HTTP_AUTHORIZATION" in environ:
        return
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refusal("wrong-origin")
        return
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin not in (public_url(), request.host_url.rstrip("/")):
        raise Refusal("wrong-origin")
