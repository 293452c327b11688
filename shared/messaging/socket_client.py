"""Calls over the Unix socket of the running embedded server."""

import errno
import os
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.client import request_message
from shared.messaging.frames import MAX_FRAME_BYTES, FrameTooLarge, SocketRequest, read_frame, write_frame
from shared.messaging.inprocess.routes import result_of

CONNECT_SECONDS = 2.0
MAX_IDLE = 8
"""Connections kept for further calls."""


class SocketClient:
    """A Client over the socket at `path`: as many connections as there are calls at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
        kind: Any = None,
    ) -> Any:
        message = request_message(arguments, token, not_after)
        request = msgspec.json.encode(SocketRequest(service, method, message))
        late = Refusal("outcome-unknown", address="", after=clock.to_text(message["not_after"]))
        with self._connection(service) as connection:
            try:
                connection.settimeout(_seconds_left(message["not_after"]))
                write_frame(connection, request)
            except FrameTooLarge:
                raise Refusal("too-large", limit=MAX_FRAME_BYTES) from None
            except OSError as error:
                # The server answers whole requests only, and this one did not get through.
                connection.close()
                raise Refusal("service-unavailable", service=service) from error
            try:
                reply = _read_reply(connection, message["not_after"])
            except (OSError, FrameTooLarge) as error:
                # An answer may still come, and must not be taken for the next call's.
                connection.close()
                raise late from error
        return result_of(reply, kind)

    def close(self) -> None:
        """Close the connections that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection(self, service: str) -> Iterator[socket.socket]:
        connection = self._idle_one()
        if connection is None:
            try:
                connection = _connect(self._path)
            except OSError as error:
                raise Refusal("service-unavailable", service=service) from error
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _idle_one(self) -> socket.socket | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            # Nothing is to be read between two calls but the end of the connection.
            if not select.select([connection], [], [], 0)[0]:
                return connection
            connection.close()

    def _give_back(self, connection: socket.socket) -> None:
        with self._lock:
            if connection.fileno() >= 0 and len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def is_served(path: Path) -> bool:
    """Whether a server answers at the socket; a socket that a killed one has left does not count."""
    try:
        _connect(path).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except BlockingIOError:
        # So many connect at once that this one would have to wait.
        return True
    return True


def _connect(path: Path) -> socket.socket:
    """A connection. Raises OSError: PermissionError where the socket is another user's: it gets tokens."""
    if os.geteuid() not in (0, path.stat().st_uid):
        raise PermissionError(errno.EPERM, "the socket is another user's", str(path))
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_SECONDS)
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


def _read_reply(connection: socket.socket, not_after: int) -> bytes:
    connection.settimeout(_seconds_left(not_after))
    reply = read_frame(connection)
    if reply is None:
        raise ConnectionError("the server closed the connection")
    return reply


def _seconds_left(not_after: int) -> float:
    """Until the deadline, and never quite nothing: a zero would mean "do not wait" to a socket."""
    return max(0.001, (not_after - clock.now_us()) / clock.MICROSECONDS)
