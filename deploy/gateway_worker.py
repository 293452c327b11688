"""gunicorn's gevent worker, which reads and answers plain requests itself.

gunicorn's parser, its environment and its two sends for an answer were a third of what the gateway worked for
a payment. A connection is served here for as long as its requests are plain; with the first that is not, or
that does not come at once, gunicorn takes it over for good, with every byte that it has not answered yet.
"""

import errno
import os
import socket
from typing import Any

from gevent import GreenletExit
from gevent import socket as gevent_socket
from gunicorn import util
from gunicorn.config import Config
from gunicorn.workers.ggevent import GeventWorker

from deploy import plain_requests
from deploy.plain_answers import Answer, Asked
from deploy.plain_requests import Environ

RECEIVE_BYTES = 8192
MOST_PIECES = 16
"""In how many pieces the rest of a plain body may come."""
OUR_SETTINGS = frozenset(
    {
        *("backlog", "bind", "chdir", "control_socket", "control_socket_disable", "control_socket_mode"),
        *("default_proc_name", "errorlog", "forwarded_allow_ips", "graceful_timeout", "group", "keepalive"),
        *("loglevel", "proc_name", "raw_env", "reuse_port", "secure_scheme_headers", "timeout", "user"),
        *("worker_class", "worker_connections", "worker_tmp_dir", "workers", "wsgi_app"),
    }
)
"""Settings that may be anything: they are obeyed here, or have nothing to do with requests."""
GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN})


class GatewayWorker(GeventWorker):
    """See gunicorn's `GeventWorker`. Where a setting is not its default that could change how requests are
    read or answered, all of them are left to it.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keepalive = self.cfg.keepalive
        defaults = Config().settings
        others = self.cfg.settings.keys() - OUR_SETTINGS
        self._serves_plain = (
            bool(self._keepalive)
            and not os.environ.get("SCRIPT_NAME")
            and all(self.cfg.settings[name].get() == defaults[name].get() for name in others)
        )

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        client.setblocking(1)
        if self._serves_plain and isinstance(address, tuple):
            unread = self._serve_plain(listener, client, address)
            if unread is None:
                util.close(client)
                return
            client = _Resumed(client.family, client.type, client.proto, fileno=client.detach())
            client.unread = unread
        super().handle(listener, client, address)

    def _serve_plain(self, listener: Any, client: Any, address: Any) -> bytes | None:
        """Serve plain requests; returns what has come after them, or None once the connection has ended."""
        base = plain_requests.common(self.cfg, listener.getsockname(), address)
        schemes = plain_requests.scheme_headers(self.cfg, address)
        data = b""
        try:
            while True:
                if not data and not (data := self._received(client)):
                    return None
                request = plain_requests.read(data, base, schemes)
                if request is None:
                    return data
                if len(data) < request.end:
                    data = self._with_rest(client, data, request.end)
                    if len(data) < request.end:
                        return data
                if not self._answer(client, address, request.complete(data)):
                    return None
                data = data[request.end :]
        except OSError as error:
            if error.errno not in GONE:
                self.log.exception("Socket error processing request.")
            return None

    def _received(self, client: Any) -> bytes:
        """What comes next, waited for as long as a connection is kept alive; nothing where nothing comes."""
        client.settimeout(self._keepalive)
        try:
            return bytes(client.recv(RECEIVE_BYTES))
        except TimeoutError:
            return b""
        finally:
            client.settimeout(None)

    def _with_rest(self, client: Any, data: bytes, end: int) -> bytes:
        """The request with the rest of its body, or with as much of it as came soon enough."""
        for _ in range(MOST_PIECES):
            piece = self._received(client)
            data += piece
            if not piece or len(data) >= end:
                break
        return data

    def _answer(self, client: Any, address: Any, environ: Environ) -> bool:
        """Answer a request; whether the connection goes on."""
        self.nr += 1
        asked = Asked(environ["REQUEST_METHOD"], environ["RAW_URI"])
        answer = Answer(asked, client, self.cfg, closing=not self.alive)
        try:
            pieces = self.wsgi(environ, answer.start_response)
            try:
                answer.send(pieces)
            finally:
                if hasattr(pieces, "close"):
                    pieces.close()
        except OSError:
            raise
        except (Exception, SystemExit) as error:
            if answer.begun:
                # An error page in the middle of an answer would pass for its end.
                self.log.exception("Error handling request")
                client.shutdown(socket.SHUT_RDWR)
            else:
                self.handle_error(asked, client, address, error)
            return False
        except GreenletExit:
            return False
        return not answer.closes


class _Resumed(gevent_socket.socket):
    """A connection of which some bytes have been read already."""

    unread = b""

    def recv(self, size: int, *flags: int) -> bytes:
        if self.unread:
            piece, self.unread = self.unread[:size], self.unread[size:]
            return piece
        return bytes(super().recv(size, *flags))
