"""What takes two people"""

from typing import Any

import pytest

from .api import Client, View, new_id
from .books import Currency


def correction(currency: Currency, payer: str, payee: str, amount: int, **more: Any) -> View:
    return {**currency.payment(payer, payee, amount), "reason": "Typed wrongly", **more}


@pytest.fixture
def parties(backed: Currency, second_subject: str) -> tuple[str, str]:
    """An account of the token's subject and one of the second's, with 100 each."""
    return backed.account(100), backed.account(100, holder=second_subject)


def test_correct(backed: Currency, second: Client) -> None:
    """12.1 A correction is proposed by one operator, with a reason, and done when another approves."""
    one, two = backed.account(100), backed.account()
    body = correction(backed, one, two, 30)
    answer = backed.client.send("POST", "/corrections", body)
    assert answer.status_code == 201
    proposal = backed.client.get(answer.headers["Location"])
    assert (proposal["id"], proposal["status"], proposal["memo"]) == (body["id"], "pending", "Typed wrongly")
    assert backed.balance(one) == 100
    done = second.change(f"/proposals/{body['id']}/approvals")
    assert (done["kind"], done["amount"]["amount"], done["proposal"]) == ("correction", 30, body["id"])
    assert (backed.balance(one), backed.balance(two)) == (70, 30)
    assert second.get(f"/proposals/{body['id']}")["status"] == "approved"


def test_not_alone(backed: Currency, second: Client) -> None:
    """12.2 Who proposed cannot approve; that is not final: another one still can."""
    one, two = backed.account(100), backed.account()
    proposal = backed.client.make("/corrections", correction(backed, one, two, 30))["id"]
    refused = backed.client.refused(
        f"/proposals/{proposal}/approvals", {"id": new_id()}, "second-person-needed"
    )
    assert refused["status"] == 403
    second.change(f"/proposals/{proposal}/approvals")
    assert backed.balance(two) == 30


def test_once(backed: Currency, second: Client) -> None:
    """12.3 What is approved or rejected is settled: it is neither approved nor rejected again."""
    for first in ("approvals", "rejections"):
        one, two = backed.account(100), backed.account()
        proposal = backed.client.make("/corrections", correction(backed, one, two, 30))["id"]
        second.change(f"/proposals/{proposal}/{first}")
        for again in ("approvals", "rejections"):
            second.refused(f"/proposals/{proposal}/{again}", {"id": new_id()}, "proposal-settled")
        assert backed.balance(two) == (30 if first == "approvals" else 0)


def test_take_back(backed: Currency, second: Client) -> None:
    """12.4 Who proposed may take it back."""
    one, two = backed.account(100), backed.account()
    proposal = backed.client.make("/corrections", correction(backed, one, two, 30))["id"]
    assert backed.client.change(f"/proposals/{proposal}/rejections")["status"] == "rejected"
    second.refused(f"/proposals/{proposal}/approvals", {"id": new_id()}, "proposal-settled")


def test_decided_when_approved(backed: Currency, second: Client) -> None:
    """12.5 Whether it is possible is decided when it is approved; refused, it stays open."""
    one, two = backed.account(10), backed.account()
    proposal = backed.client.make("/corrections", correction(backed, one, two, 10))["id"]
    backed.pay(one, two, 10)
    path = f"/proposals/{proposal}/approvals"
    second.refused(path, {"id": new_id()}, "insufficient-balance")
    backed.pay(two, one, 10)
    second.change(path)
    assert (backed.balance(one), backed.balance(two)) == (0, 10)


def test_reverse(backed: Currency, second: Client, parties: tuple[str, str]) -> None:
    """12.6 A payment is reversed when one party proposes it and the other approves; the rest goes back."""
    mine, theirs = parties
    paid = backed.pay(mine, theirs, 40)
    second.make(f"/transfers/{paid['id']}/refunds", {"id": new_id(), "amount": 15})
    proposal = second.make(f"/transfers/{paid['id']}/reversals", {"id": new_id(), "memo": "Wrong shop"})
    second.refused(f"/proposals/{proposal['id']}/approvals", {"id": new_id()}, "second-person-needed")
    done = backed.client.change(f"/proposals/{proposal['id']}/approvals")
    assert (done["kind"], done["of"], done["amount"]["amount"]) == ("reversal", paid["id"], 25)
    assert (backed.balance(mine), backed.balance(theirs)) == (100, 100)


def test_reversed_once(backed: Currency, second: Client, parties: tuple[str, str]) -> None:
    """12.7 What has gone back cannot be reversed."""
    mine, theirs = parties
    paid = backed.pay(mine, theirs, 40)
    second.make(f"/transfers/{paid['id']}/refunds", {"id": new_id()})
    second.refused(f"/transfers/{paid['id']}/reversals", {"id": new_id()}, "more-than-paid")
    assert backed.balance(mine) == 100


def test_listed(backed: Currency, second: Client) -> None:
    """12.8 What waits for a second person is listed for operators."""
    made = backed.client.make("/corrections", correction(backed, backed.account(1), backed.account(), 1))[
        "id"
    ]
    waiting = second.get("/proposals", status="pending", limit=200)
    assert made in [each["id"] for each in waiting["data"]]
    second.change(f"/proposals/{made}/rejections")
    waiting = second.get("/proposals", status="pending", limit=200)
    assert made not in [each["id"] for each in waiting["data"]]


def test_same_again(backed: Currency, second: Client) -> None:
    """12.9 A proposal or an approval that is sent again is answered as the first time, and done once."""
    one, two = backed.account(100), backed.account()
    body = correction(backed, one, two, 30)
    proposal = backed.client.make("/corrections", body)
    assert backed.client.make("/corrections", body, status=200) == proposal
    path, approval = f"/proposals/{body['id']}/approvals", {"id": new_id()}
    first = second.make(path, approval, status=200)
    assert second.make(path, approval, status=200) == first
    assert backed.balance(two) == 30


def test_unknown(backed: Currency) -> None:
    """12.10 What nobody proposed cannot be approved or rejected."""
    for path in ("approvals", "rejections"):
        backed.client.refused(
            f"/proposals/{new_id()}/{path}", {"id": new_id()}, "unknown-proposal", "not-found"
        )


def test_limits_hold(backed: Currency, second: Client) -> None:
    """12.11 A correction keeps to floors and maximum balances like any transfer; a frozen account can be
    corrected.
    """
    one, two = backed.account(50), backed.account(maximum_balance=20)
    first = backed.client.make("/corrections", correction(backed, one, two, 21))["id"]
    second.refused(f"/proposals/{first}/approvals", {"id": new_id()}, "maximum-balance")
    backed.client.change(f"/accounts/{one}/freezes", {"reason": "Mistake"})
    then = backed.client.make("/corrections", correction(backed, one, two, 20))["id"]
    second.change(f"/proposals/{then}/approvals")
    assert (backed.balance(one), backed.balance(two)) == (30, 20)
