"""Plain answers, written as gunicorn writes them, in one piece."""

import re
from typing import Any

from gunicorn.config import Config
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName
from gunicorn.http.wsgi import Response
from hypothesis import given
from hypothesis import strategies as st

from deploy.plain_answers import MOST_BODY_BYTES, Answer, Asked

REFUSED = (InvalidResponseHeader, InvalidResponseHeaderName, ValueError, TypeError)
STATUSES = st.sampled_from(
    ["200 OK", "201 CREATED", "204 NO CONTENT", "304 NOT MODIFIED", "404", "20", "200 a\r\nb"]
)
NAMES = st.sampled_from(
    ["Content-Type", "X-Note", "x-note", "Connection", "Date", "Bad Name", "", "Caf\u00e9"]
)
VALUES = st.one_of(
    st.sampled_from(
        ["close", " padded\t", "", "a\tb", "a\r\nSet-Cookie: b", "a\nb", "nul\x00", "caf\u00e9", "\u20ac"]
    ),
    st.text(max_size=10),
)
LENGTHS = st.sampled_from(["exact", "exact", "exact", "more", "less", "none", "twice"])


class Recorder:
    """The end of a connection that remembers what is sent, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        self.pieces.append(data)

    def all(self) -> bytes:
        return re.sub(rb"Date: [^\r]+", b"Date: now", b"".join(self.pieces))


def headers_of(length: str, body: bytes, others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    sizes = {
        "exact": [len(body)],
        "more": [len(body) + 1],
        "less": [max(0, len(body) - 1)],
        "none": [],
        "twice": [len(body)] * 2,
    }
    return others + [("Content-Length", str(size)) for size in sizes[length]]


def by_gunicorn(asked: Asked, status: str, headers: list[tuple[str, str]], body: bytes, closing: bool) -> Any:
    sent = Recorder()
    response = Response(asked, sent, Config())
    if closing:
        response.force_close()
    try:
        response.start_response(status, headers)
    except REFUSED as error:
        return type(error), b""
    response.write(body)
    response.close()
    return response.should_close(), sent.all()


def by_us(asked: Asked, status: str, headers: list[tuple[str, str]], body: bytes, closing: bool) -> Any:
    sent = Recorder()
    answer = Answer(asked, sent, Config(), closing)
    try:
        answer.start_response(status, headers)
        answer.send([body])
    except REFUSED as error:
        assert not answer.begun
        return type(error), sent.all()
    return answer.closes, sent.all()


@given(
    STATUSES,
    st.lists(st.tuples(NAMES, VALUES), max_size=3),
    st.binary(max_size=20),
    LENGTHS,
    st.booleans(),
    st.sampled_from(["GET", "POST"]),
)
def test_the_same_is_written(
    status: str, others: list[tuple[str, str]], body: bytes, length: str, closing: bool, method: str
) -> None:
    asked, headers = Asked(method, "/"), headers_of(length, body, others)
    assert by_us(asked, status, headers, body, closing) == by_gunicorn(asked, status, headers, body, closing)


def test_a_plain_answer_is_one_piece() -> None:
    sent = Recorder()
    answer = Answer(Asked("POST", "/"), sent, Config(), closing=False)
    answer.start_response("201 CREATED", [("Content-Type", "application/json"), ("Content-Length", "4")])
    answer.send(iter((b"{", b"  ", b"}")))
    assert len(sent.pieces) == 1
    assert not answer.closes


def test_a_large_answer_is_not_gathered() -> None:
    sent = Recorder()
    answer = Answer(Asked("GET", "/"), sent, Config(), closing=False)
    answer.start_response("200 OK", [("Content-Length", str(MOST_BODY_BYTES * 2))])
    answer.send([b"x" * MOST_BODY_BYTES] * 2)
    assert len(sent.pieces) == 3
