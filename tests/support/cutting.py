"""A way to a server that is cut at a chosen moment, as networks do it."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.support.ports import free_port

CHUNK = 65_536


class CuttingProxy:
    """Passes TCP connections on to a loopback port. Once armed, it cuts the one that sends certain bytes.

    `answered` lets the server act on them and cuts before its answer comes back; otherwise they never arrive.
    """

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._target = port
        self._armed: tuple[bytes, bool] | None = None
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._sockets: list[socket.socket] = []
        self._threads[0].start()

    def cut_at(self, text: bytes, *, answered: bool) -> None:
        """Arm for one cut."""
        self._armed = (text, answered)

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            _close(one)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _close(client)
                continue
            self._sockets += [client, server]
            cut = threading.Event()
            for run in (self._requests, self._answers):
                thread = threading.Thread(target=run, args=(client, server, cut), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _requests(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        """Until the client ends, or is cut off: then `_answers` closes once the server has answered."""
        with suppress(OSError):
            while data := client.recv(CHUNK):
                armed = self._armed
                if armed is not None and armed[0] in data:
                    self._armed = None
                    self.cuts += 1
                    if not armed[1]:
                        break
                    cut.set()
                server.sendall(data)
        _close(client)
        if not cut.is_set():
            _close(server)

    def _answers(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(CHUNK)) and not cut.is_set():
                client.sendall(data)
        _close(client)
        _close(server)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
