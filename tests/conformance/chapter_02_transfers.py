"""Transfers and idempotency"""

from typing import Any

import pytest

from .api import DAY_MS, new_id, problem_of, simultaneously
from .books import Currency


def test_a_payment(backed: Currency) -> None:
    """2.1 A payment is posted with 201; it says what was asked for, and stands at its Location from then
    on.
    """
    body = backed.payment(backed.account(100), backed.account(), 30, memo="Bread")
    answer = backed.client.send("POST", "/transfers", body)
    assert answer.status_code == 201
    view = answer.json()
    assert (view["id"], view["status"], view["kind"]) == (body["id"], "posted", "payment")
    assert (view["payer"], view["payee"], view["memo"]) == (body["payer"], body["payee"], "Bread")
    assert (view["amount"]["amount"], view["amount"]["currency"]) == (30, backed.code)
    assert answer.headers["Location"].endswith(f"/api/v1/transfers/{body['id']}")
    assert backed.client.get(f"/transfers/{body['id']}") == view


def test_balances(backed: Currency) -> None:
    """2.2 A payment takes from the payer exactly what it gives to the payee."""
    payer, payee, third = backed.account(100), backed.account(7), backed.account(9)
    backed.pay(payer, payee, 30)
    assert [backed.balance(each) for each in (payer, payee, third)] == [70, 37, 9]


def test_again(backed: Currency) -> None:
    """2.3 The same request again is answered as the first time, with 200 and `Idempotency-Hit`, and moves
    nothing.
    """
    body = backed.payment(backed.account(100), backed.account(), 30)
    first = backed.client.send("POST", "/transfers", body)
    for _attempt in range(3):
        again = backed.client.send("POST", "/transfers", body)
        assert again.status_code == 200
        assert again.json() == first.json()
        assert again.headers["Idempotency-Hit"] == "true"
    assert backed.balance(body["payer"]) == 70


@pytest.mark.parametrize("field", ["amount", "payee", "payer", "memo", "kind", "case_reference"])
def test_another_content(backed: Currency, field: str) -> None:
    """2.4 The same id with any other content is refused with 409, and moves nothing."""
    payer, payee = backed.account(100), backed.account(100)
    body = backed.payment(payer, payee, 30)
    backed.client.make("/transfers", body)
    others: dict[str, Any] = {
        "amount": backed.money(31),
        "payee": backed.account(),
        "payer": payee,
        "memo": "other",
        "kind": "redemption",
        "case_reference": "7",
    }
    other = {**body, field: others[field]}
    if field == "payer":
        other["payee"] = payer
    assert backed.client.refused("/transfers", other, "id-reused")["status"] == 409
    assert (backed.balance(payer), backed.balance(payee)) == (70, 130)


def test_all_at_once(backed: Currency) -> None:
    """2.5 The same request sent twenty times at once happens once: one 201, the others 200 with the same
    answer.
    """
    body = backed.payment(backed.account(100), backed.account(), 30)
    answers = simultaneously([lambda: backed.client.send("POST", "/transfers", body)] * 20)
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert backed.balance(body["payer"]) == 70


def test_another_command(backed: Currency) -> None:
    """2.6 An id that a transfer has cannot name a command of another kind."""
    payer, payee = backed.account(100), backed.account()
    made = backed.pay(payer, payee, 30)
    again = {"id": made["id"]}
    backed.client.refused(f"/transfers/{made['id']}/refunds", again, "id-reused")
    leg = {"payer": payer, "payee": payee, "amount": backed.money(30)}
    backed.client.refused("/linked-transfers", {**again, "legs": [leg, leg]}, "id-reused")
    assert backed.balance(payer) == 70


@pytest.mark.parametrize("ahead_ms", [-8 * DAY_MS, 10 * 60 * 1000])
def test_ids_of_another_time(backed: Currency, ahead_ms: int) -> None:
    """2.7 An id that was made too long ago, or in the future, is refused; ids of the last days are taken."""
    payer, payee = backed.account(100), backed.account()
    body = backed.payment(payer, payee, 30, id=new_id(ahead_ms))
    backed.client.refused("/transfers", body, "id-out-of-window")
    backed.pay(payer, payee, 30, id=new_id(-5 * DAY_MS))
    assert backed.balance(payer) == 70


def test_ids_of_another_form(backed: Currency) -> None:
    """2.8 An id is a UUIDv7 in its canonical form; anything else is refused."""
    payer, payee = backed.account(100), backed.account()
    good = new_id()
    other_version = good[:14] + "4" + good[15:]
    for id in (
        "",
        "1",
        good.upper(),
        good.replace("-", ""),
        f"{{{good}}}",
        other_version,
        good + "\n",
        7,
        None,
    ):
        backed.client.refused("/transfers", backed.payment(payer, payee, 30, id=id), "invalid-request")
    assert backed.balance(payer) == 100


def test_nobodys_transfer(backed: Currency) -> None:
    """2.9 A transfer that was never made is 404."""
    backed.client.refused(f"/transfers/{new_id()}", None, "not-found", method="GET")


def test_keys(backed: Currency) -> None:
    """2.10 Where ids are the ledger's (opening an account), an Idempotency-Key does the same: one account for
    each key, 409 for another content.
    """
    headers = {"Idempotency-Key": new_id()}
    body = {"currency": backed.code, "kind": "member", "holder": backed.subject}
    first, again = (backed.client.send("POST", "/accounts", body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = backed.client.send("POST", "/accounts", {**body, "kind": "organisation"}, headers=headers)
    assert problem_of(other, "idempotency-conflict")["status"] == 409


def test_order_of_ids(backed: Currency) -> None:
    """2.11 Transfers are decided in the order in which they arrive, whatever their ids say."""
    payer, payee = backed.account(10), backed.account()
    older, newer = new_id(-60_000), new_id()
    backed.pay(payer, payee, 10, id=newer)
    backed.client.refused("/transfers", backed.payment(payer, payee, 1, id=older), "insufficient-balance")
