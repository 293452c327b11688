"""The gateway's worker beside gunicorn's own: whatever is sent, the same is answered."""

import re
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.deployment import PROJECT
from tests.support.guarded import GuardedFolder
from tests.support.ports import accepts_connections, free_port
from tests.support.waiting import wait_until

pytestmark = pytest.mark.distributed

OURS, GUNICORN = "deploy.gateway_worker.GatewayWorker", "gevent"
START_SECONDS = 30.0
WAIT_SECONDS = 20.0
PAUSE_SECONDS = 0.05
"""Between parts of a request, that they do not arrive as one."""

HOST = "Host: medtown.example\r\n"
LAST = f"GET /last HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
"""Ends the connection, so that all that was answered is known to be there."""


def get(path: str, more: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\n{HOST}{more}\r\n"


def post(body: str, more: str = "") -> str:
    return f"POST /echo HTTP/1.1\r\n{HOST}{more}Content-Length: {len(body)}\r\n\r\n{body}"


CHUNKED = f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
EXPECTING = f"POST /echo HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture(scope="module")
def ports() -> Iterator[Mapping[str, int]]:
    """Where the same application is served, by worker."""
    with GuardedFolder("medtown-worker-") as folder:
        found = {worker: _serve(worker, folder) for worker in (OURS, GUNICORN)}
        for worker, port in found.items():
            wait_until(partial(_answers, port), START_SECONDS, f"{worker} to answer")
        yield found


def _serve(worker: str, folder: GuardedFolder, *more: str) -> int:
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", worker),
        *("--no-control-socket", "--log-level", "critical", "--keep-alive", "1", *more),
        "tests.support.wsgi_echo:application",
    ]
    folder.run(command, {"PYTHONPATH": str(PROJECT)}, folder.path / f"{port}.log")
    return port


def _answers(port: int) -> bool:
    return accepts_connections(port) and b" 200 OK" in exchanged(port, [LAST])


def exchanged(port: int, parts: Sequence[str]) -> bytes:
    """All that is answered to these parts, sent one after the other, until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as connection:
        for part in parts:
            connection.sendall(part.encode("latin-1"))
            time.sleep(PAUSE_SECONDS if len(parts) > 1 else 0)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return re.sub(rb"Date: [^\r]+", b"Date: now", answer)


@pytest.mark.parametrize(
    "parts",
    [
        [post("body") + LAST],
        [post("body") + get("/a%20b?c=%20d", "Accept: a\r\nX-Note: b\r\n") + post("") + LAST],
        [post("body", "Connection: keep-alive\r\n"), get("/second"), LAST],
        [post("body")[:-2], "dy", LAST],
        [post("body")[:-4], "b", "o", "dy" + get("/second"), LAST],
        [post("body")[:40], post("body")[40:], LAST],
        [post("x" * 30_000) + LAST],
        [post("x" * 100_000) + LAST],
        [get("/first") + CHUNKED + post("body") + LAST],
        [get("/first"), EXPECTING, "body", LAST],
        [post("body", "X-Forwarded-Proto: https\r\n") + LAST],
        [get("/" + "x" * 5000)],
        [get("/first") + get("/second", "Bad Header: a\r\n")],
        [get("/first") + post("body", "Content-Length: 5\r\n")],
        [get("/first") + "nonsense\r\n\r\n"],
        [get("/first"), "GET / HTTP/1.0\r\n\r\n"],
        ["HEAD /echo HTTP/1.1\r\n" + HOST + "\r\n" + LAST],
        *(
            [get("/first") + get(path) + LAST]
            for path in ("/pieces", "/written", "/file", "/nothing", "/hop")
        ),
        *([get("/first") + get(path) + LAST] for path in ("/short", "/long", "/large")),
        *([get("/first"), get(path)] for path in ("/split", "/fault", "/fault/late")),
    ],
)
def test_the_same_is_answered(ports: Mapping[str, int], parts: Sequence[str]) -> None:
    answer = exchanged(ports[OURS], parts)
    assert answer == exchanged(ports[GUNICORN], parts)
    assert answer.startswith(b"HTTP/1.1 ")


def test_plain_requests_are_served_here_until_one_is_not(ports: Mapping[str, int]) -> None:
    ask = get("/server")
    answer = exchanged(ports[OURS], [ask + post("body") + ask + CHUNKED + ask + LAST])
    served = re.findall(rb"\r\n\r\n(ours|gunicorn)HTTP", answer)
    assert served == [b"ours", b"ours", b"gunicorn"]


def test_a_connection_on_which_nothing_comes_is_closed(ports: Mapping[str, int]) -> None:
    unfinished = (["GET / HT"], [get("/first")], [get("/first"), "GET / HT"], [get("/first") + "GET / HT"])
    with ThreadPoolExecutor(len(unfinished)) as together:
        answers = list(together.map(partial(exchanged, ports[OURS]), unfinished))
    assert [answer.count(b"HTTP/1.1 200 OK") for answer in answers] == [0, 1, 1, 1]


def test_a_setting_that_changes_how_requests_are_read_leaves_them_to_gunicorn() -> None:
    with GuardedFolder("medtown-worker-") as folder:
        port = _serve(OURS, folder, "--limit-request-fields", "50")
        wait_until(lambda: _answers(port), START_SECONDS, "gunicorn to answer")
        assert b"\r\n\r\ngunicorn" in exchanged(port, [get("/server") + LAST])
