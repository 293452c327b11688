"""Requests of the form that nearly all have, read at one go.

What is taken here is a strict part of what gunicorn's own parser takes, and comes to the same environment; on
anything else, however slightly it differs, nothing is decided here: that parser reads it.
"""

import io
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from gunicorn.config import Config
from gunicorn.http.message import HeaderPolicy
from gunicorn.http.wsgi import base_environ
from gunicorn.util import unquote_to_wsgi_str

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
MOST_HEAD_BYTES = 4000
"""Below gunicorn's limit for a single line, so that none of its limits can be reached."""
MOST_HEADERS = 90
MOST_BODY_BYTES = 64 * 1024
LENGTH_DIGITS = 6
OWN_MEANING = frozenset({"EXPECT", "TRANSFER-ENCODING", "UPGRADE", "HTTP2-SETTINGS"})
"""Headers that change how a request is read or answered."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
"""A token without the underscore, which the environment could not tell from a hyphen."""
_TARGET = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@/%-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?")

Environ = dict[str, Any]


class Request(NamedTuple):
    """A request whose head is here. It ends at `end` of the bytes that it was read from, which may be beyond
    what has come; the body begins at `body`.
    """

    environ: Environ
    body: int
    end: int

    def complete(self, data: bytes) -> Environ:
        """Its environment, with the body out of the bytes that it was read from."""
        self.environ["wsgi.input"] = io.BytesIO(data[self.body : self.end])
        return self.environ


class _Peer(HeaderPolicy):
    """gunicorn's own judgement of whom to believe."""

    def __init__(self, config: Config, address: Any) -> None:
        self.cfg = config
        self.peer_addr = address

    def scheme_headers(self) -> dict[str, str]:
        believed, _ = self._peer_trusted_for_forwarded()
        return dict(believed)


def common(config: Config, server: tuple[Any, ...], peer: tuple[Any, ...]) -> Environ:
    """What the environments of all requests of a connection have in common. gunicorn's own also hold its
    socket and a way to send early hints, which nothing here uses.
    """
    return {
        **base_environ(config),
        "wsgi.multithread": True,
        "wsgi.url_scheme": "http",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
    }


def scheme_headers(config: Config, peer: tuple[Any, ...]) -> dict[str, str]:
    """The headers by which this peer, where it is a proxy that is believed, says that people came by https;
    with the value that says yes.
    """
    return _Peer(config, peer).scheme_headers()


def read(data: bytes, base: Environ, schemes: Mapping[str, str]) -> Request | None:
    """The request that these bytes begin with; None where it is for gunicorn to read.

    `base` is `common`, `schemes` are the `scheme_headers` of the connection.
    """
    end = data.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES)
    if end < 0:
        return None
    line, *lines = data[:end].decode("latin-1").split("\r\n")
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if version != "HTTP/1.1" or method not in METHODS or not _TARGET.fullmatch(target):
        return None
    environ = base.copy()
    if len(lines) > MOST_HEADERS or not _take_headers(environ, lines, schemes):
        return None
    length = environ.get("CONTENT_LENGTH", "0")
    if not (length.isdecimal() and len(length) <= LENGTH_DIGITS) or int(length) > MOST_BODY_BYTES:
        return None
    path, _, query = target.partition("?")
    environ["REQUEST_METHOD"] = method
    environ["RAW_URI"] = target
    environ["PATH_INFO"] = unquote_to_wsgi_str(path) if "%" in path else path
    environ["QUERY_STRING"] = query
    return Request(environ, end + 4, end + 4 + int(length))


def _take_headers(environ: Environ, lines: list[str], schemes: Mapping[str, str]) -> bool:
    """Whether the headers are plain, each one there once; they are in `environ` then."""
    before, said = len(environ), 0
    for line in lines:
        name, _, value = line.partition(":")
        key = _key(name)
        value = value.strip(" \t")
        if key is None or not (value.isascii() and value.isprintable()):
            return False
        environ[key] = value
        if schemes and (header := name.upper()) in schemes:
            said += 1
            environ["wsgi.url_scheme"] = "https" if value == schemes[header] else "http"
    if len(environ) != before + len(lines) or said > 1 or "HTTP_HOST" not in environ:
        return False
    return bool(environ.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive")


@lru_cache(1000)
def _key(name: str) -> str | None:
    """Where a header stands in the environment; None where it is not plain."""
    upper = name.upper()
    if not _NAME.fullmatch(name) or upper in OWN_MEANING:
        return None
    key = upper.replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
