"""The socket of the embedded server."""

import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared.auth.tokens import Verifier
from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.dispatch import Dispatcher
from shared.messaging.frames import MAX_FRAME_BYTES
from shared.messaging.inprocess.routes import Routes
from shared.messaging.service import Call, Request, Service
from shared.messaging.socket_client import SocketClient, is_served
from shared.messaging.socket_server import SocketServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.embedded

WAIT_SECONDS = 10.0


class Gate:
    """A call that waits until it is let through."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, _: Any, request: Request) -> Any:
        self.entered.set()
        assert self.open.wait(WAIT_SECONDS)
        return "through"


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


@pytest.fixture
def routes(gate: Gate) -> Routes:
    calls = {
        "echo": Call(lambda _, request: request.arguments, None, open_to_all=True),
        "mine": Call(lambda _, request: request.arguments, None),
        "gate": Call(gate, None, open_to_all=True),
        "huge": Call(lambda *_: "x" * MAX_FRAME_BYTES, None, open_to_all=True),
    }
    made = Routes()
    made.add(Dispatcher(Service("shop", calls=calls), None, Verifier("shop", {})))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own" / "medtown.sock"


@pytest.fixture
def server(routes: Routes, path: Path) -> Iterator[SocketServer]:
    started = SocketServer(routes, path)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def client(server: SocketServer, path: Path) -> Iterator[SocketClient]:
    made = SocketClient(path)
    yield made
    made.close()


def refusal_of(call: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        call()
    return raised.value


def test_a_call_goes_there_and_back(client: SocketClient) -> None:
    text = "é" * 300_000
    assert client.call("shop", "echo", {"text": text}) == {"text": text}
    assert client.call("shop", "echo", {"pair": (1, 2)}) == {"pair": [1, 2]}


def test_refusals_come_back_and_tokens_are_asked_for(client: SocketClient) -> None:
    assert refusal_of(lambda: client.call("shop", "mine", {})).slug == "not-signed-in"
    assert refusal_of(lambda: client.call("nobody", "echo", {})).slug == "service-unavailable"


def test_many_threads_call_at_once(client: SocketClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda number: client.call("shop", "echo", {"n": number}), range(400))
        assert [answer["n"] for answer in answers] == list(range(400))


def test_only_its_user_reaches_the_socket(server: SocketServer, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(routes: Routes, path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 12345, -1)
    with pytest.raises(PermissionError):
        SocketServer(routes, path).start()


def test_without_a_server_nothing_is_taken(path: Path) -> None:
    assert not is_served(path)
    client = SocketClient(path)
    assert refusal_of(lambda: client.call("shop", "echo", {})).slug == "service-unavailable"


def test_a_client_outlives_its_server(routes: Routes, path: Path) -> None:
    client = SocketClient(path)
    for _ in range(2):
        server = SocketServer(routes, path)
        server.start()
        assert client.call("shop", "echo", {"n": 1}) == {"n": 1}
        server.stop()
        assert not path.exists()
        assert refusal_of(lambda: client.call("shop", "echo", {})).slug == "service-unavailable"


def test_a_socket_that_a_killed_server_left_is_replaced(routes: Routes, path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert not is_served(path)
    server = SocketServer(routes, path)
    server.start()
    assert is_served(path)
    server.stop()


def test_a_second_server_does_not_take_the_place(server: SocketServer, routes: Routes, path: Path) -> None:
    with pytest.raises(OSError, match="another server"):
        SocketServer(routes, path).start()
    assert is_served(path)


def test_past_its_deadline_a_calls_outcome_is_unknown(client: SocketClient, gate: Gate) -> None:
    not_after = clock.deadline(0.2)
    refused = refusal_of(lambda: client.call("shop", "gate", {}, not_after=not_after))
    assert (refused.slug, refused.parameters["after"]) == ("outcome-unknown", clock.to_text(not_after))
    gate.open.set()
    # The late answer of the first call is not taken for that of the second.
    assert client.call("shop", "echo", {"n": 2}) == {"n": 2}


def test_stopping_answers_what_is_in_flight(server: SocketServer, client: SocketClient, gate: Gate) -> None:
    with ThreadPoolExecutor(2) as pool:
        in_flight = pool.submit(client.call, "shop", "gate", {})
        assert gate.entered.wait(WAIT_SECONDS)
        stopping = pool.submit(server.stop)
        gate.open.set()
        assert in_flight.result(WAIT_SECONDS) == "through"
        stopping.result(WAIT_SECONDS)


def test_what_is_too_large_is_refused_and_harms_nobody(client: SocketClient) -> None:
    assert refusal_of(lambda: client.call("shop", "echo", {"t": "x" * MAX_FRAME_BYTES})).slug == "too-large"
    assert refusal_of(lambda: client.call("shop", "huge", {})).slug == "internal-error"
    assert client.call("shop", "echo", {}) == {}


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">I", 2**32 - 1),
        struct.pack(">I", 3) + b"{ab",
        struct.pack(">I", 2) + b"{}",
        struct.pack(">I", 9) + b"{",
        b"\x00",
    ],
    ids=["too long", "no JSON", "no request", "cut off", "cut off in the length"],
)
def test_nonsense_ends_at_most_its_own_connection(client: SocketClient, path: Path, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(WAIT_SECONDS)
        connection.connect(str(path))
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(1000):
            answer += chunk
    assert b"refusal" in answer or answer == b""
    assert client.call("shop", "echo", {"n": 1}) == {"n": 1}


def test_connections_are_limited(client: SocketClient, path: Path) -> None:
    others = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    try:
        for other in others:
            other.settimeout(WAIT_SECONDS)
            other.connect(str(path))
        # The last of them are closed without an answer.
        assert others[-1].recv(1) == b""
    finally:
        for other in others:
            other.close()
    wait_until(lambda: _answers(client), WAIT_SECONDS, "the server to take calls again")


def _answers(client: SocketClient) -> bool:
    try:
        return bool(client.call("shop", "echo", {"n": 1}))
    except Refusal:
        return False
