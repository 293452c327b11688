"""The Unix socket of the embedded server, by which the operator's tools call the services that run in it.

Only the user of the server reaches it: the socket has mode 0600 in a folder of mode 0700. That opens the
door, no more: what comes over it carries its tokens like any other call.
"""

import errno
import os
import socket
import socketserver
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from shared.contracts.errors import Refusal
from shared.messaging.frames import MAX_FRAME_BYTES, FrameTooLarge, SocketRequest, read_frame, write_frame
from shared.messaging.inprocess.routes import Routes
from shared.messaging.socket_client import is_served
from shared.observability.logs import get_logger
from shared.threaded import Threaded

STOP_SECONDS = 5.0
"""How long calls in flight are waited for; a handler that takes longer answers nobody."""

log = get_logger(__name__)


class SocketServer:
    """Answers calls on a Unix socket, a thread for each connection, at most 32 connections."""

    def __init__(self, routes: Routes, path: Path) -> None:
        self._routes = routes
        self._path = path
        self._server: _Server | None = None

    def start(self) -> None:
        """Begin to listen. A socket that a killed server has left is removed.

        Raises OSError where another server answers at the path (EADDRINUSE), where its folder is another
        user's (EPERM), or where it cannot be made.
        """
        _make_private(self._path.parent)
        if is_served(self._path):
            raise OSError(errno.EADDRINUSE, "another server answers at this socket", str(self._path))
        self._path.unlink(missing_ok=True)
        self._server = _Server(self._path, self._routes)
        self._server.start()

    def stop(self) -> None:
        """Answer the calls that are in flight, then close every connection and remove the socket."""
        if self._server is None:
            return
        self._path.unlink(missing_ok=True)
        self._server.stop()
        self._server.end_connections()
        self._server = None


class _Server(Threaded):
    address_family = socket.AF_UNIX

    def __init__(self, path: Path, routes: Routes) -> None:
        self.routes = routes
        self._path = path
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(str(path), _Connection)

    def server_bind(self) -> None:
        self.socket.bind(str(self._path))
        # Between binding and this, the folder's mode keeps others out.
        os.chmod(self._path, 0o600)

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._open[connection] = threading.current_thread()

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.pop(connection, None)

    def end_connections(self) -> None:
        """Let every connection read its end, and wait for the answers that are still under way."""
        with self._lock:
            still_open = list(self._open.items())
            for connection, _ in still_open:
                with suppress(OSError):  # its other side has closed it just now
                    connection.shutdown(socket.SHUT_RD)
        deadline = time.monotonic() + STOP_SECONDS
        for _, thread in still_open:
            thread.join(max(0.0, deadline - time.monotonic()))


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        self.server.opened(self.request)
        try:
            while (body := read_frame(self.request)) is not None:
                self._answer(body)
        except FrameTooLarge:
            self._refuse(Refusal("too-large", limit=MAX_FRAME_BYTES))
        except OSError as error:
            log.info("socket_connection_lost", reason=str(error))
        finally:
            self.server.closed(self.request)

    def _answer(self, body: bytes) -> None:
        try:
            request = msgspec.json.decode(body, type=SocketRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(Refusal("malformed-json", reason=str(error)))
            return
        reply = self.server.routes.answer(request.service, request.method, request.message)
        try:
            write_frame(self.request, reply)
        except FrameTooLarge:
            log.error(
                "reply_too_large", service=request.service, method=request.method, size_bytes=len(reply)
            )
            self._refuse(Refusal("internal-error"))

    def _refuse(self, refusal: Refusal) -> None:
        write_frame(self.request, msgspec.json.encode({"refusal": refusal.to_wire()}))


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    # In a folder for everyone's temporary files, another user may have been there first.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "the socket's folder is not ours alone", str(folder))
    folder.chmod(0o700)
