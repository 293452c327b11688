"""Whatever is sent, the answer is a refusal that names the fault, never a failure of ours."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from deploy.gateway_threads import CONNECTION_LIMIT
from shared.auth.keys import load_signer, private_key_file
from shared.contracts import clock, ids
from shared.contracts.money import MAX_AMOUNT
from shared.messaging.frames import read_frame, write_frame
from tests.support.api import Town, administrator, money, transfer
from tests.support.deployment import Deployment

pytestmark = pytest.mark.embedded

NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
BEYOND_ALL_BOUNDS = "9" * 5000
MUCH = 10**9
ENDLESS = "[" * 30_000
HALF_A_CHARACTER = "\ud800"
A_VAST_NUMBER = "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"
"""The cursor of a number that no database holds."""


@pytest.fixture(scope="module")
def logged_before(embedded: Deployment) -> int:
    """How many characters the installation had logged before these tests."""
    return len(embedded.logs(MUCH))


@pytest.fixture(scope="module")
def shared_town(embedded: Deployment, logged_before: int) -> Town:
    """A currency with two members: `payer`, signed in, and `payee`."""
    town = Town(administrator(embedded.base_url))
    town.payer(issued=100_000)
    return town


@pytest.fixture(scope="module")
def payer(shared_town: Town) -> str:
    [account] = shared_town.member.get("/accounts")["data"]
    found: str = account["id"]
    return found


@pytest.fixture(scope="module")
def payee(shared_town: Town) -> str:
    return shared_town.account()


@pytest.fixture
def body(shared_town: Town, payer: str, payee: str) -> dict[str, Any]:
    """A transfer that would be posted."""
    return transfer(payer, payee, 1, shared_town.currency)


def without_failure(answer: requests.Response) -> dict[str, Any]:
    """The problem of an answer that must refuse in the proper form, for a fault that is not ours."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    return problem


def slug(problem: dict[str, Any]) -> str:
    found: str = problem["type"].rsplit("/", 1)[1]
    return found


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"id": "{id}\n"}, "/id"),
        ({"id": "{upper}"}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": 7}, "/id"),
        ({"payer": "{payer}\n"}, "/payer"),
        ({"payee": "{payee}\n"}, "/payee"),
        ({"kind": "gift"}, "/kind"),
        ({"memo": "a\0b"}, "/memo"),
        ({"memo": "x" * 141}, "/memo"),
        ({"memo": None}, "/memo"),
        ({"case_reference": "\0"}, "/case_reference"),
        ({"case_reference": "x" * 61}, "/case_reference"),
        ({"occurred_at": 1}, "/occurred_at"),
        ({"type": "transfer"}, "/type"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"x\ny": 1}, "/x\ny"),
        ({"amount": {}}, "/amount/amount"),
        ({"amount": {"amount": 1}}, "/amount/currency"),
        ({"amount": {"amount": 1, "currency": "PUMA\n"}}, "/amount/currency"),
        ({"amount": [1]}, "/amount"),
        ({"amount": 1}, "/amount"),
    ],
    ids=repr,
)
def test_a_transfer_with_a_field_at_fault_points_at_it(
    shared_town: Town, body: dict[str, Any], payer: str, payee: str, given: dict[str, Any], pointer: str
) -> None:
    names = {"{id}": body["id"], "{upper}": body["id"].upper(), "{payer}": payer, "{payee}": payee}
    for key, value in given.items():
        for name, known in names.items():
            value = value.replace(name, known) if isinstance(value, str) else value
        body[key] = value
    problem = shared_town.member.refused("invalid-request", "POST", "/transfers", json=body)
    assert problem["errors"][0]["pointer"] == pointer
    assert "regex" not in problem["errors"][0]["detail"]
    if shared_town.operator.request("GET", f"/transfers/{body['id']}").status_code != 404:
        pytest.fail("it was posted after all")


@pytest.mark.parametrize(
    "literal",
    ["0", "-1", "-0", "1.0", "1.5", "1e2", "1e400", "true", "null", '"1"', "[1]", "{}", "9007199254740992",
     "9223372036854775808", BEYOND_ALL_BOUNDS, "-" + BEYOND_ALL_BOUNDS, '"' + "x" * 60_000 + '"'],
    ids=lambda literal: literal[:12],
)  # fmt: skip
def test_an_amount_that_is_none_is_told_as_it_was_written(
    shared_town: Town, body: dict[str, Any], literal: str
) -> None:
    text = json.dumps(body).replace('"amount": 1,', f'"amount": {literal},')
    problem = shared_town.member.refused("invalid-amount", "POST", "/transfers", data=text, headers=JSON)
    assert problem["parameters"]["amount"] == literal[:40]
    assert problem["errors"][0]["pointer"] == "/amount/amount"


UNREADABLE = {
    "nothing": b"",
    "a word": b"x",
    "NaN": b'{"minor_units":NaN}',
    "infinite": b'{"minor_units":Infinity}',
    "cut off": b'{"amount":{"amount":-1',
    "cut off after a fault": b'{"amount":{"amount":-1,"currency":"P"},',
    "two amounts": b'{"amount":{"amount":-1,"currency":"P"},"amount":5}',
    "endless list": ENDLESS.encode(),
    "endless object": b'{"a":' * 12_000,
    "endless amount": b'{"amount":{"amount":' + ENDLESS.encode() + b"}",
    "endless closed amount": f'{{"amount":{{"amount":{ENDLESS}{"]" * 30_000}}}}}'.encode(),
    "vast number": f"[{BEYOND_ALL_BOUNDS}]".encode(),
    "vast field": f'{{"minor_units":{BEYOND_ALL_BOUNDS}}}'.encode(),
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "no UTF-8": b"\xff",
    "no UTF-8 inside": b'{"email":"\xff","memo":"\xff"}',
    "NUL": b"\0",
    "half a character": b'{"email":"\\ud800","name":"\\ud800","memo":"\\ud800","password":"x"}',
    "half a character's field": b'{"\\ud800":1}',
    "two values": b"{}{}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
}


@pytest.mark.parametrize("path", ["/transfers", "/currencies", "/accounts", "/people", "/sessions"])
def test_what_cannot_be_read_is_refused(shared_town: Town, path: str) -> None:
    for name, content in UNREADABLE.items():
        answer = shared_town.operator.request("POST", path, data=content, headers=JSON)
        assert slug(without_failure(answer)) in ("malformed-json", "invalid-request", "invalid-amount"), name


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-ndjson", "application/json, text/html", "a" * 5000],
)
def test_another_content_type_is_refused(
    shared_town: Town, body: dict[str, Any], content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    shared_town.member.refused(
        "unsupported-media-type", "POST", "/transfers", data=json.dumps(body).encode(), headers=headers
    )


def fresh(path: str, shared_town: Town) -> dict[str, Any]:
    """What could be made at this address by who may."""
    bodies: dict[str, dict[str, Any]] = {
        "/currencies": {"code": "NEVER1", "names": {"en": "N"}, "minor_units": 100, "kind": "backed",
                        "territory": "testville"},
        "/accounts": {"currency": shared_town.currency, "kind": "member", "holder": ids.new_id()},
        "/people": {"name": "Pip"},
        "/sessions": {"email": "nobody@example.org", "password": "x"},
    }  # fmt: skip
    return bodies[path]


@pytest.mark.parametrize(
    ("path", "field", "values"),
    [
        ("/currencies", "code", ["NEVER1\n", "x", "", "A", "A" * 11, 1, None, "N\u0415VER"]),
        ("/currencies", "names", [{}, {"en": ""}, {"en": "x" * 61}, {"en": "\0"}, {"en\n": "x"}, {"EN": "x"},
                                  {"en": 1}, {"fr": "F"}, [], None, "N"]),
        ("/currencies", "minor_units", [0, 2, "100", 100.0, True, 2**63]),
        ("/currencies", "kind", ["gold", "", None, 1]),
        ("/currencies", "default_credit_limit", [-1, MAX_AMOUNT + 1, "1", 1.0, 1.5, True, 10**30]),
        ("/currencies", "maximum_balance", [0, -1, MAX_AMOUNT + 1, False]),
        ("/currencies", "territory", ["testville\n", "Testville", "-a", "", "a" * 41, "a\0", None]),
        ("/currencies", "simulated", [1, 0, "true", "", None, []]),
        ("/people", "listed", [1, "1", "true", None]),
        ("/currencies", "id", ["x"]),
        ("/accounts", "currency", ["puma", "", "PUMA\n", None]),
        ("/accounts", "kind", ["issuance", "redemption", "", None]),
        ("/accounts", "holder", ["", "x", "0" * 36, None]),
        ("/accounts", "credit_limit", [-1, MAX_AMOUNT + 1, True, 1.5, "1"]),
        ("/accounts", "maximum_balance", [-1, MAX_AMOUNT + 1]),
        ("/accounts", "territory", ["testville\n", "../", "<b>"]),
        ("/accounts", "category", ["bakery\n", "\0"]),
        ("/people", "name", ["", "x" * 101, "\0", None, 1]),
        ("/people", "email", ["x", "a@b", "a\0@example.org", "\u0390" * 90 + "@example.org", 1]),
        ("/people", "password", ["short", "x" * 11, "x" * 201]),
        ("/people", "roles", [["importer"], ["registrar"], [None], "administrator", [1]]),
        ("/people", "kind", ["dog"]),
        ("/people", "locale", ["de", "en\n"]),
        ("/people", "id", ["", "x", "{id}\n"]),
        ("/sessions", "email", ["", "x" * 255, 1, None, ["a"], {"$ne": ""}]),
        ("/sessions", "password", ["", "x" * 201, True]),
    ],
)  # fmt: skip
def test_a_field_at_fault_is_refused(shared_town: Town, path: str, field: str, values: list[Any]) -> None:
    for value in values:
        given = value.replace("{id}", ids.new_id()) if isinstance(value, str) else value
        answer = shared_town.operator.request("POST", path, json={**fresh(path, shared_town), field: given})
        problem = without_failure(answer)
        assert slug(problem) == "invalid-request", (value, answer.text)
        assert problem["errors"][0]["pointer"].startswith(f"/{field}"), (value, answer.text)


def test_a_registration_is_known_again_by_all_that_it_says(shared_town: Town) -> None:
    given = {"name": "Pip", "kind": "organisation"}
    headers = {"Idempotency-Key": ids.new_id()}
    first = shared_town.operator.expect(201, "POST", "/people", json=given, headers=headers)
    assert shared_town.operator.expect(201, "POST", "/people", json=given, headers=headers) == first
    for other in ({"name": "Pop"}, {"roles": ["administrator"]}, {"listed": True}, {"kind": "person"}):
        shared_town.operator.refused(
            "idempotency-conflict", "POST", "/people", json={**given, **other}, headers=headers
        )


@pytest.mark.parametrize("key", ["", "x" * 101])
def test_an_idempotency_key_has_its_lengths(shared_town: Town, key: str) -> None:
    shared_town.operator.refused(
        "invalid-request",
        "POST",
        "/accounts",
        json=fresh("/accounts", shared_town),
        headers={"Idempotency-Key": key},
    )


@pytest.mark.parametrize(
    "query",
    [
        *(f"/accounts?limit={value}" for value in ("", "0", "-1", "201", "1e3", "1.0", "%00", "9" * 5000)),
        *(f"/{{account}}/transfers?cursor={value}" for value in ("%00", "====", A_VAST_NUMBER, "LTE")),
        f"/accounts?cursor={A_VAST_NUMBER}",
        "/accounts?holder=x",
        "/accounts?currency=%3Cscript%3E",
        "/accounts?nonsense=1",
        "/events?after=-1",
        f"/events?after={2**63}",
        "/events?partition=4096",
        *(
            f"/{{account}}/balance?at={value}"
            for value in ("", "x", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-01-01", "%00",
                          "9999-12-31T23:59:59.999999-23:59", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00")
        ),
        *(
            f"/indicators/volume?currency={{currency}}&{value}"
            for value in ("from=0001-01-01", "to=0001-01-01", "from=9999-12-31", "to=9999-12-31&period=year",
                          "from=x", "period=decade", "territory=x'%20OR%201=1", "territory=testville%0a",
                          "from=2026-01-02&to=2026-01-01", "from=1970-01-01&period=day", "territory=")
        ),
        "/accounts/%00",
        "/accounts/" + "x" * 3000,
        "/currencies/%00",
        "/currencies/%ff",
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(shared_town: Town, payer: str, query: str) -> None:
    path = query.replace("{account}", f"accounts/{payer}").replace("{currency}", shared_town.currency)
    assert slug(without_failure(shared_town.operator.request("GET", path))) in (
        "invalid-request",
        "not-found",
    )


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"])
def test_the_ends_of_time_have_a_balance(shared_town: Town, payer: str, at: str) -> None:
    shared_town.member.get(f"/accounts/{payer}/balance", params={"at": at})


def test_lines_of_a_bulk_upload_stand_for_themselves(shared_town: Town, body: dict[str, Any]) -> None:
    lines = [
        json.dumps(body) + "\r",
        "",
        "x",
        '{"amount":{}}',
        '{"amount":{"amount":1e400}}',
        '{"amount":{"amount":' + "[" * 100_000,
        "[" * 100_000,
        '{"' + "x" * 1_000_000 + '":1}',
        json.dumps({**body, "id": body["id"] + "\n"}),
        json.dumps({**body, "memo": "\0"}),
        json.dumps({**body, "memo": HALF_A_CHARACTER}),
        json.dumps({**body, "memo": "another"}),
        json.dumps(body),
    ]
    answers = shared_town.member.bulk(lines)
    assert [answer["status"] for answer in answers] == [
        201, 400, 400, 422, 422, 422, 422, 422, 422, 422, 400, 409, 200,
    ]  # fmt: skip
    assert [answer["line"] for answer in answers] == list(range(1, len(lines) + 1))
    assert len(json.dumps(answers)) < 20_000


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        (b"x\n" * 10_001, "too-many-lines"),
        (b"\n" * 4 * 1024 * 1024, "too-many-lines"),
        (b" " * (4 * 1024 * 1024 + 1), "too-large"),
    ],
    ids=["lines", "newlines", "bytes"],
)
def test_a_bulk_upload_has_its_limits(shared_town: Town, content: bytes, refused: str) -> None:
    shared_town.member.refused(refused, "POST", "/transfers/bulk", data=content, headers=NDJSON)


def test_a_chunked_body_has_the_same_limit(shared_town: Town) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 10_000] * 7

    shared_town.member.refused("too-large", "POST", "/transfers", data=pieces(), headers=JSON)


def test_an_upload_cut_in_its_middle_does_nothing(
    shared_town: Town, embedded: Deployment, body: dict[str, Any]
) -> None:
    whole = json.dumps(body).encode() + b"\n"
    head = (
        f"POST /api/v1/transfers/bulk HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole) + 1}\r\n"
        f"Content-Type: application/x-ndjson\r\n"
        f"Authorization: {shared_town.member.http.headers['Authorization']!s}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", embedded.port)) as connection:
        connection.sendall(head.encode() + whole)
    shared_town.operator.refused("not-found", "GET", f"/transfers/{body['id']}")


def test_more_idle_connections_than_are_taken_stop_nothing_for_good(
    shared_town: Town, embedded: Deployment
) -> None:
    with ExitStack() as stack:
        for _number in range(CONNECTION_LIMIT + 50):
            stack.enter_context(socket.create_connection(("127.0.0.1", embedded.port), timeout=10))
    shared_town.member.get("/sessions/current")


@pytest.mark.parametrize("host", ["", "a b", "[::1", "x/y", "u@evil.example", 'evil"<script>', "\xff"])
def test_a_host_that_is_none_leaves_addresses_relative(embedded: Deployment, host: str) -> None:
    answer = raw_answer(embedded, f"GET /api/v1/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404")
    assert b'"type":"/problems/not-found"' in answer


HEADERS: list[dict[str, str]] = [
    {"Authorization": "Bearer"},
    {"Authorization": "Basic AAAA"},
    {"Authorization": "Bearer " + "x" * 30_000},
    {"Authorization": "Bearer \xe9\xff"},
    {"Authorization": "", "Cookie": "medtown_session={session}"},
    {"Cookie": 'medtown_session="\\355\\240\\200"'},
    {"Cookie": "a=" + "b" * 60_000},
    {"Cookie": "; ".join(f"a{number}=b" for number in range(3000))},
    {"traceparent": "\xff"},
    {"Accept-Language": "*;q=x,,,;;" + "x" * 5000},
    {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: str(headers)[:40])
def test_headers_that_say_nothing_sign_nobody_in(
    shared_town: Town, embedded: Deployment, headers: dict[str, str]
) -> None:
    session = str(shared_town.member.http.headers["Authorization"]).removeprefix("Bearer ")
    lines = "".join(f"{name}: {value.replace('{session}', session)}\r\n" for name, value in headers.items())
    request = f"GET /api/v1/accounts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
    answer = raw_answer(embedded, request)
    assert answer.startswith(b"HTTP/1.1 401"), answer[:300]
    assert b'"type":"http://x/problems/not-signed-in"' in answer


def raw_answer(embedded: Deployment, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", embedded.port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "TRACE", "FOO"]
)
def test_every_address_answers_every_method(shared_town: Town, payer: str, method: str) -> None:
    described = shared_town.operator.get("/openapi.json")
    paths = [path.replace("{id}", payer).replace("{code}", "x") for path in described["paths"]]
    for path in [
        *paths,
        "/",
        "/wallet",
        "/wallet/pay",
        "/wallet/pay/confirm",
        "/impact/x",
        "/sign-in",
        "/metrics",
    ]:
        answer = requests.request(
            method,
            shared_town.operator.base_url + path,
            allow_redirects=False,
            headers={"Accept": "*/*"},
            timeout=10,
        )
        assert answer.status_code < 500, (path, answer.text)
        if answer.status_code == 405:
            assert answer.headers["Allow"], path
        if answer.status_code >= 400 and path.startswith("/api/v1") and method != "HEAD":
            without_failure(answer)


def test_a_member_sees_and_does_nothing_of_others(shared_town: Town, payer: str, payee: str) -> None:
    other, _ = shared_town.person()
    theirs = shared_town.account(other.person["id"], issued=500)
    made = other.pay(theirs, payee, 1, shared_town.currency)["id"]
    member = shared_town.member
    for place in ("", "/transfers", "/transfers.csv", "/balance"):
        member.refused("not-permitted", "GET", f"/accounts/{theirs}{place}")
    member.refused("not-permitted", "GET", f"/accounts?holder={other.person['id']}")
    member.refused("not-permitted", "GET", "/events")
    member.refused("not-found", "GET", f"/transfers/{made}")
    one = money(1, shared_town.currency)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("/transfers", transfer(theirs, payer, MAX_AMOUNT, shared_town.currency)),
        ("/transfers", {"id": ids.new_id(), "kind": "issuance", "payee": payer, "amount": one}),
        ("/transfers", {"id": ids.new_id(), "kind": "redemption", "payer": theirs, "amount": one}),
        ("/transfers", transfer(payer, payee, 1, shared_town.currency, id=ids.derived_id(ids.new_id()))),
        ("/accounts", fresh("/accounts", shared_town)),
        ("/currencies", fresh("/currencies", shared_town)),
        ("/people", fresh("/people", shared_town)),
    ]  # fmt: skip
    for path, content in refused:
        member.refused("not-permitted", "POST", path, json=content)
    again = transfer(theirs, payee, 1, shared_town.currency, id=made)
    member.refused("id-reused", "POST", "/transfers", json=again)


def test_an_operator_registers_nobody(shared_town: Town) -> None:
    operator, _ = shared_town.person(roles=["operator"])
    operator.refused("not-permitted", "POST", "/people", json={"name": "Pip"})
    operator.refused("not-permitted", "POST", "/currencies", json=fresh("/currencies", shared_town))


def on_socket(embedded: Deployment, frame: bytes) -> dict[str, Any]:
    """The server's reply to one frame, after which it must still answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(embedded.data / "medtown.sock"))
        write_frame(connection, frame)
        reply = read_frame(connection)
    assert reply is not None
    decoded: dict[str, Any] = json.loads(reply)
    return decoded


def call(embedded: Deployment, method: str, **message: Any) -> dict[str, Any]:
    whole = {"arguments": {}, "token": None, "not_after": clock.deadline(5), **message}
    request = {"service": "ledger", "method": method, "message": whole}
    return on_socket(embedded, json.dumps(request).encode())


@pytest.mark.parametrize(
    "frame",
    [b"", b"x", b"\xff", b'{"service":"\xff","method":"x","message":{}}', b"[" * 10**6,
     b'{"service":"ledger","method":"get_currency","message":{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}}",
     b'{"service":"\\ud800","method":"x","message":{}}'],
    ids=lambda frame: str(frame[:20]),
)  # fmt: skip
def test_a_frame_on_the_socket_that_cannot_be_read_is_answered(embedded: Deployment, frame: bytes) -> None:
    assert on_socket(embedded, frame)["refusal"]["slug"] == "malformed-json"


def test_a_frame_that_is_too_large_is_answered(embedded: Deployment) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(embedded.data / "medtown.sock"))
        connection.sendall(struct.pack(">I", 2**32 - 1))
        reply = read_frame(connection)
    assert reply is not None
    assert json.loads(reply)["refusal"]["slug"] == "too-large"


@pytest.mark.parametrize(
    "message",
    [{"not_after": 10**30}, {"not_after": -1}, {"not_after": True}, {"not_after": "x"}, {"arguments": [1]},
     {"arguments": "x"}, {"arguments": {"id": {"a": 1}}}, {"arguments": {"id": "a\0b"}},
     {"arguments": {"id": "x" * 10**6}}],
    ids=lambda message: str(message)[:30],
)  # fmt: skip
def test_a_call_on_the_socket_that_makes_no_sense_is_refused(
    embedded: Deployment, message: dict[str, Any]
) -> None:
    assert call(embedded, "get_currency", **message)["refusal"]["slug"] == "invalid-request"


def test_a_token_on_the_socket_is_good_for_what_its_issuer_may_give(embedded: Deployment, payer: str) -> None:
    def signed(issuer: str, audience: str = "ledger", role: str = "operator", seconds: int = 60) -> str:
        signer = load_signer(private_key_file(embedded.data / "keys", issuer), issuer)
        return signer.sign("somebody", audience, frozenset({role}), lifetime_seconds=seconds)

    def slug_of(token: Any) -> str | None:
        reply = call(embedded, "get_account", token=token, arguments={"id": payer})
        found: str | None = reply.get("refusal", {}).get("slug")
        return found

    good = signed("tools")
    assert slug_of(good) is None
    head, claims, signature = good.split(".")
    bad = [None, "", 5, ["x"], "x" * 10**6, f"{head}.{claims}.", f"{head}.{claims}.{signature[::-1]}",
           signed("identity", audience="identity"), signed("tools", seconds=-10)]  # fmt: skip
    assert [slug_of(token) for token in bad] == ["not-signed-in"] * len(bad)
    assert slug_of(signed("dashboard")) == "not-permitted"
    assert slug_of(signed("identity", role="importer")) == "not-permitted"


@pytest.mark.parametrize("field", ["memo", "name"])
def test_what_people_write_is_shown_and_never_run(
    shared_town: Town, payer: str, payee: str, field: str
) -> None:
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    member = shared_town.member
    if field == "memo":
        made = member.pay(payer, payee, 1, shared_town.currency, memo=attack)["id"]
        pages = ["/wallet", f"/wallet/payments/{made}?account={payer}"]
    else:
        holder = shared_town.operator.expect(201, "POST", "/people", json={"name": attack, "listed": True})[
            "id"
        ]
        member.pay(payer, shared_town.account(holder), 1, shared_town.currency)
        pages = ["/wallet"]
    cookie = str(member.http.headers["Authorization"]).removeprefix("Bearer ")
    for page in pages:
        answer = requests.get(member.base_url + page, cookies={"medtown_session": cookie}, timeout=10)
        assert answer.ok
        assert "&lt;script&gt;alert" in answer.text
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


def test_the_logs_say_nothing_of_people(shared_town: Town, embedded: Deployment, logged_before: int) -> None:
    """Runs last: what all the tests above have sent has been logged by now, wherever it failed."""
    said = embedded.logs(MUCH)[logged_before:]
    for secret in (*shared_town.sign_in.values(), "@example.org", "Bearer ", "eyJ", "Person "):
        assert secret not in said
    assert "Traceback" not in said
