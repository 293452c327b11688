"""What protects readers: no foreign page acts with their cookie, no body goes beyond its limit."""

import io
from typing import Any

from flask import Flask, Request, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from gateway.wiring import public_url
from shared.contracts.errors import Refusal

BODY_LIMIT_BYTES = 64 * 1024
DRAINED_BYTES = 4 * 1024 * 1024
"""How much of a body that is too large is still taken in and dropped: a sender who is cut off while sending
does not see why.
"""
FORM_PARTS_LIMIT = 100
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Check every request."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = BODY_LIMIT_BYTES
    app.config["MAX_FORM_PARTS"] = FORM_PARTS_LIMIT
    app.before_request(refuse_foreign_origin)
    app.before_request(watch_length)


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


def watch_length() -> None:
    """See to it that a body is taken as it was sent, whole, or not at all."""
    environ = request.environ
    if "CONTENT_LENGTH" in environ:
        # Where the server promises to end the stream by itself, as gunicorn does, nobody would compare the
        # length announced with what came: an upload cut off in its middle would pass for a short one.
        environ.pop("wsgi.input_terminated", None)
    elif "wsgi.input_terminated" in environ:
        whole: Request = request._get_current_object()  # type: ignore[attr-defined]
        whole.__dict__["stream"] = _Unannounced(whole)


class _Unannounced(io.RawIOBase):
    """A body that comes without its length. Werkzeug's own stream ends at the limit as if the body did."""

    def __init__(self, whole: Request) -> None:
        self._whole = whole
        self._taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._read(len(buffer))
        limit = self._whole.max_content_length
        if limit is not None and self._taken > limit:
            while self._taken < DRAINED_BYTES + limit and self._read(64 * 1024):
                pass
            raise RequestEntityTooLarge
        buffer[: len(piece)] = piece
        return len(piece)

    def _read(self, size: int) -> bytes:
        try:
            piece: bytes = self._whole.environ["wsgi.input"].read(size)
        except OSError as error:
            # The sender has gone before the end, or has written no proper pieces.
            raise ClientDisconnected from error
        self._taken += len(piece)
        return piece
