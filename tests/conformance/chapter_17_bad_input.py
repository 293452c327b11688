"""Bad input"""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from .api import MAX_AMOUNT, Client, View, new_id, pointers, problem_of, slug_of
from .books import Currency

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def purse(backed: Currency) -> tuple[str, str]:
    """A payer with money, and a payee."""
    return backed.account(1_000_000), backed.account()


@pytest.fixture(autouse=True)
def nothing_moves(backed: Currency, purse: tuple[str, str]) -> Any:
    yield
    assert [backed.balance(each) for each in purse] == [1_000_000, 0]


AMOUNTS = [
    "0", "-1", "-0", "1.0", "1.5", "1e2", "1e400", "-1e400", "true", "false", "null", '"1"', "[1]", "{}",
    str(MAX_AMOUNT + 1), str(2**63), str(2**64), "9" * 5000, "NaN", "Infinity", "0x1", "01", "1_000",
    "\u0661",
]  # fmt: skip


@pytest.mark.parametrize("literal", AMOUNTS, ids=lambda literal: ascii(literal)[:12])
def test_amounts(backed: Currency, purse: tuple[str, str], literal: str) -> None:
    """17.1 An amount is a whole number from 1 to 9,007,199,254,740,991, written as one: no fraction, no
    exponent, no text, no truth value.
    """
    text = json.dumps(backed.payment(*purse, 1)).replace('"amount": 1,', f'"amount": {literal},')
    answer = backed.client.send("POST", "/transfers", data=text.encode(), headers=JSON)
    assert slug_of(problem_of(answer)) in ("invalid-amount", "malformed-json", "invalid-request")


BAD_FIELDS: dict[str, list[Any]] = {
    "id": ["", "x", None, 1, True, [], "0" * 36, "f" * 10_000],
    "payer": ["", "x", 1, True, {}, "\0"],
    "payee": ["", "x", 1, True, {}],
    "kind": ["", "gift", "refund", None, 1],
    "memo": ["x" * 141, "a\0b", None, 1, []],
    "case_reference": ["x" * 61, "\0", None, 1],
    "purpose": ["", "A", "a" * 41, "-a", 1],
    "up_to": [1, 0, "true", None],
    "pending_seconds": [0, -1, 30 * 24 * 3600 + 1, 1.5, "1", True, 2**63],
    "goods": [
        *("x", {}, [1], [{}], [{"category": "a", "amount": 0}], [{"category": "a", "amount": 1}] * 17),
        [{"category": "a", "amount": 1, "categry": "b"}],
    ],
    "amount": [None, 1, "1", [], {}, {"amount": 1}, {"currency": "X"}],
    "occurred_at": [0],
    "nonsense": [1],
}


@pytest.mark.parametrize("field", BAD_FIELDS)
def test_fields(backed: Currency, purse: tuple[str, str], field: str) -> None:
    """17.2 Every field at, below or above its limits, of another type, or unknown, is refused and pointed
    at.
    """
    for value in BAD_FIELDS[field]:
        body = {**backed.payment(*purse, 1), field: value}
        problem = backed.client.refused("/transfers", body, "invalid-request", "invalid-amount")
        assert pointers(problem)[0].startswith(f"/{field}"), (value, problem)


UNREADABLE = [
    b"", b"x", b"{", b"{}{}", b"\xff", b"\0", b'{"id":"\xff"}', b'{"memo":"\\ud800"}', b"[" * 30_000,
    b'{"a":' * 10_000, b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"amount":NaN}', b"null", b"[]", b"7",
]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/transfers", "/linked-transfers", "/corrections", "/schedules", "/accounts", "/currencies"]
)
def test_unreadable(client: Client, path: str) -> None:
    """17.3 What is no JSON in UTF-8, or no object, is refused wherever it is sent."""
    for content in UNREADABLE:
        answer = client.send("POST", path, data=content, headers=JSON)
        assert slug_of(problem_of(answer)) in ("malformed-json", "invalid-request"), content[:20]


def test_size(client: Client, backed: Currency, purse: tuple[str, str]) -> None:
    """17.4 A body of a megabyte is refused with 413, whether it says its length or not."""
    body = json.dumps(backed.payment(*purse, 1)).encode() + b" " * 1_000_000
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    for content in (body, pieces):
        answer = client.send("POST", "/transfers", data=content, headers=JSON)
        assert problem_of(answer, "too-large")["status"] == 413


def test_texts(fresh: Currency) -> None:
    """17.5 What people write comes back as it was written, whatever the script."""
    payer, payee = fresh.account(100), fresh.account()
    texts = [
        "\u0645\u0631\u062d\u0628\u0627",
        "\u039a\u03b1\u03bb\u03ae",
        "\U0001f9c0",
        "'; DROP TABLE x; --",
        "<b>",
        "\t\r\n",
        "x" * 140,
    ]
    for text in texts:
        made = fresh.pay(payer, payee, 1, memo=text)
        assert fresh.client.get(f"/transfers/{made['id']}")["memo"] == text


def test_bad_addresses(client: Client) -> None:
    """17.6 An address with something else in the place of an id is 404, for every method it takes."""
    for id in ("x", "1", "0" * 36, "%00", "%ff", "..%2f", "'", "9" * 3000):
        for path in (f"/transfers/{id}", f"/proposals/{id}", f"/schedules/{id}"):
            assert problem_of(client.send("GET", path))["status"] == 404
        for path in (f"/transfers/{id}/refunds", f"/accounts/{id}/freezes", f"/proposals/{id}/approvals"):
            assert problem_of(client.send("POST", path, {"id": new_id()}))["status"] == 404


LEGS: list[tuple[View, str]] = [
    ({"amount": {"amount": 0, "currency": "XX"}}, "/legs/1/amount/amount"),
    ({"amount": {"amount": 1, "currency": "xx"}}, "/legs/1/amount/currency"),
    ({"payer": "x"}, "/legs/1/payer"),
    ({"memo": "x"}, "/legs/1/memo"),
    ({"id": "x"}, "/legs/1/id"),
]


@pytest.mark.parametrize(("leg", "pointer"), LEGS, ids=[pointer for _, pointer in LEGS])
def test_legs(backed: Currency, purse: tuple[str, str], leg: View, pointer: str) -> None:
    """17.7 A fault inside of one of several linked transfers is pointed at, and none is posted."""
    good = {name: value for name, value in backed.payment(*purse, 1).items() if name != "id"}
    body = {"id": new_id(), "legs": [good, {**good, **leg}]}
    problem = backed.client.refused("/linked-transfers", body, "invalid-request", "invalid-amount")
    assert pointers(problem) == [pointer]


def test_mixed_currencies(backed: Currency, mutual: Currency, purse: tuple[str, str]) -> None:
    """17.8 Amounts are in the currency of both accounts; nothing is converted."""
    mixed = {**backed.payment(purse[0], mutual.account(), 1)}
    for currency in (backed, mutual):
        body = {**mixed, "id": new_id(), "amount": currency.money(1)}
        backed.client.refused("/transfers", body, "wrong-currency")


def test_cut_upload(client: Client, backed: Currency, purse: tuple[str, str]) -> None:
    """17.9 A connection cut in the middle of an upload does nothing."""
    body = backed.payment(*purse, 1)
    whole = json.dumps(body).encode() + b"\n"
    place = urlsplit(client.url)
    if place.scheme != "http":
        pytest.skip("tried without TLS alone")
    announced = f"Content-Length: {len(whole) + 1}\r\n\r\n".encode() + whole
    # In pieces, without the empty one that ends them.
    in_pieces = f"Transfer-Encoding: chunked\r\n\r\n{len(whole):x}\r\n".encode() + whole + b"\r\n"
    for path, kind in (("transfers", "application/json"), ("transfers/bulk", "application/x-ndjson")):
        head = (
            f"POST /api/v1/{path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: {kind}\r\n"
            f"Authorization: Bearer {client.token}\r\n"
        )
        for rest in (announced, in_pieces):
            with socket.create_connection((place.hostname or "", place.port or 80), timeout=10) as connection:
                connection.sendall(head.encode() + rest)
    client.refused(f"/transfers/{body['id']}", None, "not-found", method="GET")


def test_numbers_elsewhere(backed: Currency, purse: tuple[str, str]) -> None:
    """17.10 Limits and partial amounts are as strict as amounts."""
    for value in (-1, 1.5, "1", True, MAX_AMOUNT + 1, 2**63):
        for path, field in (("limits", "credit_limit"), ("limits", "per_day"), ("limits", "level")):
            body = {"id": new_id(), field: value}
            problem = backed.client.refused(f"/accounts/{purse[0]}/{path}", body, "invalid-request")
            assert pointers(problem) == [f"/{field}"]
        body = {"id": new_id(), "amount": value}
        problem = backed.client.refused(f"/transfers/{new_id()}/refunds", body, "invalid-amount")
        assert pointers(problem) == ["/amount"]
