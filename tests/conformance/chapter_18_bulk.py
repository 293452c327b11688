"""Bulk uploads"""

import json
from typing import Any

from .api import View, lines_of, new_id, problem_of, slug_of
from .books import Currency

NDJSON = {"Content-Type": "application/x-ndjson"}


def upload(currency: Currency, lines: list[View | bytes]) -> list[View]:
    body = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    return lines_of(currency.client.send("POST", "/transfers/bulk", data=body, headers=NDJSON))


def test_lines(backed: Currency) -> None:
    """18.1 Many transfers can be sent at once, one a line of JSON; each line is answered in its place."""
    payer, payee = backed.account(100), backed.account()
    answers = upload(backed, [backed.payment(payer, payee, 10) for _ in range(5)])
    assert [(each["line"], each["status"]) for each in answers] == [(n, 201) for n in range(1, 6)]
    assert all(each["transfer"]["status"] == "posted" for each in answers)
    assert backed.balance(payee) == 50


def test_each_by_itself(backed: Currency) -> None:
    """18.2 Each line is decided by itself: what is refused or cannot be read stops no other."""
    payer, payee = backed.account(30), backed.account()
    lines: list[View | bytes] = [
        backed.payment(payer, payee, 20),
        b"{",
        backed.payment(payer, payee, 20),
        backed.payment(payer, payee, 0),
        b"\xff",
        b"",
        b'{"' + b"x" * 1_000_000 + b'":1}',
        backed.payment(payer, payee, 10),
    ]
    answers = upload(backed, lines)
    assert [each["status"] for each in answers] == [201, 400, 422, 422, 400, 400, 422, 201]
    assert slug_of(answers[2]["problem"]) == "insufficient-balance"
    assert backed.balance(payer) == 0


def test_again(backed: Currency) -> None:
    """18.3 Sent again, nothing happens twice: every line is answered as the first time."""
    payer, payee = backed.account(100), backed.account()
    lines: list[Any] = [backed.payment(payer, payee, 10) for _ in range(3)]
    lines.append(backed.payment(payer, payee, 500))
    first, again = upload(backed, lines), upload(backed, lines)
    assert [each["status"] for each in again] == [200, 200, 200, 422]
    assert [each.get("transfer") for each in again] == [each.get("transfer") for each in first]
    assert backed.balance(payee) == 30


def test_same_line_twice(backed: Currency) -> None:
    """18.4 The same line twice in one upload happens once; another content under its id is 409."""
    payer, payee = backed.account(100), backed.account()
    line = backed.payment(payer, payee, 10)
    answers = upload(backed, [line, line, {**line, "memo": "other"}])
    assert [each["status"] for each in answers] == [201, 200, 409]
    assert backed.balance(payee) == 10


def test_every_kind(backed: Currency) -> None:
    """18.5 A line may be any transfer: an issuance, a reservation, as much as there is."""
    payer, payee = backed.account(100), backed.account()
    issuance = {"id": new_id(), "kind": "issuance", "payee": payer, "amount": backed.money(50)}
    answers = upload(
        backed,
        [
            issuance,
            backed.payment(payer, payee, 30, pending_seconds=60),
            backed.payment(payer, payee, 500, up_to=True),
        ],
    )
    assert [each["transfer"]["status"] for each in answers] == ["posted", "pending", "posted"]
    assert [each["transfer"]["amount"]["amount"] for each in answers] == [50, 30, 120]


def test_limits(backed: Currency) -> None:
    """18.6 More than 10,000 lines are refused as a whole."""
    answer = backed.client.send("POST", "/transfers/bulk", data=b"{}\n" * 10_001, headers=NDJSON)
    assert problem_of(answer, "too-many-lines")["status"] == 413


def test_a_thousand(backed: Currency) -> None:
    """18.7 A thousand transfers in one upload are carried out in their order."""
    accounts = [backed.account(1), *(backed.account() for _ in range(3))]
    lines: list[Any] = [backed.payment(accounts[n % 4], accounts[(n + 1) % 4], 1) for n in range(1000)]
    answers = upload(backed, lines)
    assert {each["status"] for each in answers} == {201}
    assert [backed.balance(each) for each in accounts] == [1, 0, 0, 0]
