"""Plain requests, read as gunicorn's own parser reads them, or left to it."""

from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.http.wsgi import create
from hypothesis import given
from hypothesis import strategies as st

from deploy import plain_requests

SERVER, STRANGER, PROXY = ("127.0.0.1", 8000), ("192.0.2.1", 4711), ("127.0.0.1", 4711)
LEFT_OUT = frozenset({"wsgi.input", "wsgi.errors", "wsgi.early_hints", "gunicorn.socket"})
TRANSFER = b"POST /api/v1/transfers HTTP/1.1\r\nHost: medtown.example\r\nContent-Length: 2\r\n\r\n{}"

NAMES = st.one_of(
    st.sampled_from(["Accept", "cookie", "X-Forwarded-Proto", "X-FORWARDED-SSL", "Authorization"]),
    st.sampled_from(["Content-Type", "Content-Length", "Connection", "Expect", "Transfer-Encoding", "Host"]),
    st.sampled_from(["X_Forwarded_Proto", "SCRIPT_NAME", "Path-Info", "Upgrade", "TE", "", " folded"]),
    st.sampled_from(["Bad Name", "Sp\u00e9cial", "Colon:ed", "Sec-Fetch-Site", "traceparent"]),
)
VALUES = st.one_of(
    st.sampled_from(["https", "http", "on", "0", "3", "3 ", "+3", "\u00b2", "003", "3, 3", "70000", "-1"]),
    st.sampled_from(["close", "Keep-Alive", "keep-alive, upgrade", "100-continue", "chunked", "identity"]),
    st.sampled_from(["", " padded\t", "a\tb", "a\x0bb", "a\x7f", "caf\u00e9", "bare\nfeed", "bare\rreturn"]),
    st.sampled_from(["nul\x00", "x" * 3000, "x" * 9000]),
    st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=12),
)
METHODS = st.sampled_from(
    ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "get", "CONNECT", "PO\tST", "", "X" * 30]
)
TARGETS = st.one_of(
    st.sampled_from(["/", "/api/v1/transfers", "/a%20b?q=%41&r=/?", "//host/path", "/a#part", "*"]),
    st.sampled_from(
        ["http://host/", "/caf\u00e9", "/%zz", "/%", "/a b", "/a;b=c,d", "/a\\b", "/a|b", '/a"b']
    ),
    st.sampled_from(["/?", "?q", "", "/" + "x" * 5000, "/a?b?c", "/a[b]"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map("/".__add__),
)
VERSIONS = st.sampled_from(
    ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "http/1.1", "HTTP/1.1 "]
)
ENDS = st.sampled_from(["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\n ", "\r"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Requests of which many are plain and many nearly so."""
    headers = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    if draw(st.integers(0, 9)):
        headers.insert(draw(st.integers(0, len(headers))), ("Host", "medtown.example"))
    end = draw(ENDS) if not draw(st.integers(0, 3)) else "\r\n"
    method = draw(METHODS) if not draw(st.integers(0, 2)) else "POST"
    lines = [f"{method} {draw(TARGETS)} {draw(VERSIONS)}", *(f"{name}: {value}" for name, value in headers)]
    return end.join([*lines, "", ""]).encode("latin-1") + draw(st.binary(max_size=8))


def by_us(data: bytes, peer: tuple[str, int]) -> tuple[dict[str, Any], bytes, bytes] | None:
    """The environment, the body and what comes after it; None where the request is not plain."""
    config = Config()
    base = plain_requests.common(config, SERVER, peer)
    request = plain_requests.read(data, base, plain_requests.scheme_headers(config, peer))
    if request is None or request.end > len(data):
        return None
    environ = request.complete(data)
    return environ, environ["wsgi.input"].read(), data[request.end :]


def by_gunicorn(data: bytes, peer: tuple[str, int]) -> tuple[dict[str, Any], bytes, bytes]:
    config, unreader = Config(), IterUnreader([data])
    request = Request(config, unreader, peer)
    assert not request.should_close()
    _, environ = create(request, None, peer, SERVER, config)
    return {**environ, "wsgi.multithread": True}, environ["wsgi.input"].read(), unreader.take_buffered()


@given(requests(), st.sampled_from([STRANGER, PROXY]))
def test_what_is_taken_gunicorn_takes_as_well_and_it_means_the_same(
    data: bytes, peer: tuple[str, int]
) -> None:
    found = by_us(data, peer)
    if found is None:
        return
    environ, body, rest = found
    their_environ, their_body, their_rest = by_gunicorn(data, peer)
    assert (body, rest) == (their_body, their_rest)
    ours = {name: value for name, value in environ.items() if name not in LEFT_OUT}
    assert ours == {name: value for name, value in their_environ.items() if name not in LEFT_OUT}


@pytest.mark.parametrize(
    "data",
    [
        TRANSFER,
        TRANSFER + TRANSFER,
        TRANSFER.replace(b"\r\nContent-Length: 2", b"\r\nConnection: Keep-Alive\r\nContent-Length:2 "),
        TRANSFER.replace(b"\r\nContent-Length: 2", b"\r\nX-Forwarded-Proto: https\r\nContent-Length: 2"),
        b"GET /wallet?account=1&x=%20 HTTP/1.1\r\nHost: a\r\nCookie: medtown_session=x; y=z\r\n\r\n",
    ],
)
def test_what_nearly_all_send_is_plain(data: bytes) -> None:
    for peer in (STRANGER, PROXY):
        assert by_us(data, peer) is not None


@pytest.mark.parametrize(
    ("peer", "scheme"),
    [(STRANGER, "http"), (PROXY, "https")],
)
def test_only_a_proxy_that_is_believed_says_how_people_came(peer: tuple[str, int], scheme: str) -> None:
    data = TRANSFER.replace(b"\r\nContent-Length", b"\r\nX-Forwarded-Proto: https\r\nContent-Length")
    found = by_us(data, peer)
    assert found is not None
    assert found[0]["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize(
    "more",
    [
        b"Transfer-Encoding: chunked",
        b"transfer-encoding : chunked",
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Connection: close",
        b"Content-Length: 2",
        b"Host: medtown.example",
        b"X_Forwarded_Proto: https",
        b"Accept: a\r\n folded",
        b"Accept: a\nEvil: b",
        b"Accept: caf\xc3\xa9",
    ],
)
def test_what_could_be_read_in_two_ways_is_left_to_gunicorn(more: bytes) -> None:
    data = TRANSFER.replace(b"\r\nContent-Length", b"\r\n" + more + b"\r\nContent-Length")
    assert by_us(data, STRANGER) is None


def test_a_body_beyond_the_limit_is_left_to_gunicorn() -> None:
    size = plain_requests.MOST_BODY_BYTES + 1
    data = TRANSFER.replace(b"Content-Length: 2", b"Content-Length: %d" % size)
    assert by_us(data + b"x" * size, STRANGER) is None
