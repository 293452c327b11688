"""Payments over HTTP from a process of its own, as lean as Python allows: `python -m tests.bench.load_client`
reads what to do from standard input (JSON) and writes what it saw.

One thread, many connections that stay open, bodies that only change their id; of answers it looks at the
status alone. What it costs itself is measured too, since it works on the same cores.
"""

import json
import resource
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from shared.contracts import ids
from tests.bench.figures import latencies

RECEIVE_BYTES = 65_536
WAIT_SECONDS = 30.0


class Payer:
    """Someone signed in, whose requests are all alike but for the id."""

    def __init__(self, host: str, session: str, payer: str, payee: str, currency: str) -> None:
        money = f'"amount":{{"amount":1,"currency":"{currency}"}}'
        self._after = f'","payer":"{payer}","payee":"{payee}",{money}}}'.encode()
        before = '{"id":"'
        size = len(before) + len(ids.new_id()) + len(self._after)
        head = (
            f"POST /api/v1/transfers HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {session}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        )
        self._before = (head + before).encode()

    def request(self) -> bytes:
        return self._before + ids.new_id().encode() + self._after


class Connection:
    """One open connection with at most one request under way."""

    def __init__(self, port: int, payer: Payer) -> None:
        self._port = port
        self._payer = payer
        self.open()
        self._received = b""
        self._missing: int | None = None
        self.since = 0.0

    def open(self) -> None:
        """Connect, again where the server closed the connection after an answer."""
        self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=WAIT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.closes = False

    def send(self, since: float) -> None:
        """Send the next payment; its time counts from `since`."""
        self._received, self._missing, self.since = b"", None, since
        self.socket.sendall(self._payer.request())

    def receive(self) -> int | None:
        """The status of the answer once all of it is here."""
        piece = self.socket.recv(RECEIVE_BYTES)
        if not piece:
            raise ConnectionError(f"the server closed a connection after {self._received[:200]!r}")
        self._received += piece
        if self._missing is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = self._received[:end].lower()
            self.closes = b"connection: close" in head
            self._missing = end + 4 + _length(head)
        return int(self._received[9:12]) if len(self._received) >= self._missing else None


def _length(head: bytes) -> int:
    found = head.find(b"content-length:")
    if found < 0:
        raise ConnectionError(f"an answer that does not tell its length: {head[:200]!r}")
    return int(head[found + 15 :].split(b"\r\n", 1)[0])


class Load:
    """Keeps connections busy: each sends again at once, or all together `rate` payments a second.

    With a rate, a payment's time counts from when it was due, so that a slow server is not waited for.
    """

    def __init__(
        self, connections: Sequence[Connection], warm: float, seconds: float, rate: float | None
    ) -> None:
        self._connections = {each.socket.fileno(): each for each in connections}
        self._poll = select.epoll()
        self._counts_from = time.perf_counter() + warm
        self._ends = self._counts_from + seconds
        self._seconds = seconds
        self._rate = rate
        self._idle: deque[Connection] = deque(connections)
        self._due = time.perf_counter()
        self._times: list[float] = []
        self._statuses: Counter[str] = Counter()

    def run(self) -> dict[str, Any]:
        for number in self._connections:
            self._poll.register(number, select.EPOLLIN)
        cpu = 0.0
        while (now := time.perf_counter()) < self._ends or len(self._idle) < len(self._connections):
            if not cpu and now >= self._counts_from:
                cpu = _cpu_seconds()
            if now >= self._ends + WAIT_SECONDS:
                raise TimeoutError(f"{len(self._connections) - len(self._idle)} answers never came")
            self._send(now)
            for number, _ in self._poll.poll(0.001 if self._rate else 1):
                self._receive(self._connections[number])
        count = len(self._times)
        return {
            "a_second": count / self._seconds,
            **latencies(self._times),
            "client_cpu_us": 1e6 * (_cpu_seconds() - cpu) / max(1, count),
            "statuses": dict(self._statuses),
        }

    def _send(self, now: float) -> None:
        if now >= self._ends:
            return
        while self._idle and (self._rate is None or self._due <= now):
            self._idle.popleft().send(now if self._rate is None else self._due)
            if self._rate is not None:
                self._due += 1 / self._rate

    def _receive(self, connection: Connection) -> None:
        status = connection.receive()
        if status is None:
            return
        now = time.perf_counter()
        if self._counts_from <= now < self._ends:
            self._statuses[str(status)] += 1
            if status == 201:
                self._times.append(now - connection.since)
        if connection.closes:
            self._reopen(connection)
        if self._rate is None and now < self._ends:
            connection.send(now)
        else:
            self._idle.append(connection)

    def _reopen(self, connection: Connection) -> None:
        number = connection.socket.fileno()
        self._poll.unregister(number)
        del self._connections[number]
        connection.socket.close()
        connection.open()
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    asked = json.load(sys.stdin)
    host = f"127.0.0.1:{asked['port']}"
    payers = [
        Payer(host, session, payer, payee, asked["currency"]) for session, payer, payee in asked["payers"]
    ]
    connections = [
        Connection(asked["port"], payers[number % len(payers)]) for number in range(asked["connections"])
    ]
    json.dump(Load(connections, asked["warm"], asked["seconds"], asked["rate"]).run(), sys.stdout)


if __name__ == "__main__":
    main()
