"""Answers of the form that nearly all have, written in one piece; all others are gunicorn's own to write."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any

from gunicorn import SERVER
from gunicorn.config import Config
from gunicorn.http.message import TOKEN_RE
from gunicorn.http.wsgi import STATUS_RE, FileWrapper, Response
from gunicorn.util import http_date, is_hoppish

MOST_BODY_BYTES = 64 * 1024
"""Of an answer that is gathered before it is sent."""
WITHOUT_BODY = frozenset({"204", "304"})

Headers = Sequence[tuple[str, str]]
Fault = tuple[type[BaseException], BaseException, TracebackType | None]


class Asked:
    """What gunicorn's `Response` wants to know of the request."""

    version = (1, 1)
    query = ""
    body = None

    def __init__(self, method: str, uri: str) -> None:
        self.method = method
        self.uri = uri

    def should_close(self) -> bool:
        return False


class Answer:
    """The answer to one plain request. `closing`: the connection ends with it. `closes` says, once all is
    sent, whether it does.
    """

    def __init__(self, asked: Asked, connection: Any, config: Config, closing: bool) -> None:
        self._asked = asked
        self._connection = connection
        self._config = config
        self._status = ""
        self._headers: Headers = ()
        self._general: Response | None = None
        self._sent = False
        self.closes = closing

    @property
    def begun(self) -> bool:
        """Whether any of it has been sent, so that nothing else can be answered any more."""
        return self._sent or (self._general is not None and self._general.headers_sent)

    def start_response(
        self, status: str, headers: Headers, fault: Fault | None = None
    ) -> Callable[[bytes], None]:
        """As PEP 3333 has it."""
        if fault is not None and self.begun:
            raise fault[1].with_traceback(fault[2])
        if fault is None and self._status:
            raise AssertionError("the answer has its headers already")
        self._status, self._headers = status, headers
        return self._write

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send all of it."""
        length = _plain_length(self._status, self._headers)
        if length is None or isinstance(pieces, FileWrapper):
            self._send_generally(pieces)
            return
        body = b"".join(pieces)
        head = None
        if self._general is None and len(body) == length:
            head = _head(self._status, self._headers, self.closes)
        if head is None:
            self._send_generally((body,))
            return
        self._sent = True
        whole = head + body
        sent = self._connection.send(whole)
        if sent < len(whole):
            self._connection.sendall(whole[sent:])

    def _send_generally(self, pieces: Iterable[bytes]) -> None:
        if isinstance(pieces, FileWrapper):
            self._begin_generally().write_file(pieces)
        else:
            for piece in pieces:
                # A generator gives its status and headers with its first piece.
                self._begin_generally().write(piece)
        general = self._begin_generally()
        general.close()
        self.closes = general.should_close()

    def _begin_generally(self) -> Response:
        if self._general is None:
            self._general = Response(self._asked, self._connection, self._config)
            if self.closes:
                self._general.force_close()
            self._general.start_response(self._status, list(self._headers))
        return self._general

    def _write(self, piece: bytes) -> None:
        self._begin_generally().write(piece)


def _plain_length(status: str, headers: Headers) -> int | None:
    """How long the body is that can be gathered; None where there is none, or it is too long, or unknown."""
    if status[:1] == "1" or status[:3] in WITHOUT_BODY:
        return None
    lengths = [value for name, value in headers if name == "Content-Length"]
    if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdecimal()):
        return None
    length = int(lengths[0])
    return length if length <= MOST_BODY_BYTES else None


def _head(status: str, headers: Headers, closing: bool) -> bytes | None:
    """The head, as gunicorn's `Response` writes it; None where only that can tell what is wrong with it."""
    if not _is_plain_status(status):
        return None
    connection = "close" if closing else "keep-alive"
    date = _date(int(time.time()))
    lines = [f"HTTP/1.1 {status}\r\nServer: {SERVER}\r\nDate: {date}\r\nConnection: {connection}"]
    for name, value in headers:
        # Nothing that could end a line: what has control characters or is no text, gunicorn refuses.
        if type(value) is not str or not (value.isascii() and value.isprintable() and _is_plain_name(name)):
            return None
        lines.append(f"{name}: {value.strip()}")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("ascii")


@lru_cache(1000)
def _is_plain_name(name: str) -> bool:
    return bool(TOKEN_RE.fullmatch(name)) and not is_hoppish(name)


@lru_cache(100)
def _is_plain_status(status: str) -> bool:
    return status.isascii() and re.search(r"[\r\n]", status) is None and bool(STATUS_RE.fullmatch(status))


@lru_cache(2)
def _date(second: int) -> str:
    return str(http_date(second))
