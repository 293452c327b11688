"""Who may do what"""

import pytest

from .api import Client, new_id, pointers
from .books import Currency


@pytest.fixture
def theirs(backed: Currency, second_subject: str) -> str:
    """An account of the second subject, with 100 in it."""
    return backed.account(100, holder=second_subject)


def test_holders_pay(backed: Currency, second: Client, theirs: str) -> None:
    """19.1 From an account its holder pays, and nobody else, not even an operator."""
    mine = backed.account(100)
    problem = backed.client.refused("/transfers", backed.payment(theirs, mine, 1), "not-permitted")
    assert problem["status"] == 403
    second.refused("/transfers", backed.payment(mine, theirs, 1), "not-permitted")
    second.make("/transfers", backed.payment(theirs, mine, 1))


def test_not_final(backed: Currency, second: Client, theirs: str) -> None:
    """19.2 What somebody may not do is not decided: the same request can still be carried out by who may."""
    body = backed.payment(theirs, backed.account(), 1)
    backed.client.refused("/transfers", body, "not-permitted")
    second.make("/transfers", body)


def test_others_ids(backed: Currency, second: Client, theirs: str) -> None:
    """19.3 An id that somebody has used is taken for everybody else; they are told nothing of it."""
    mine = backed.account(100)
    made = backed.pay(mine, theirs, 1)
    body = backed.payment(theirs, mine, 1, id=made["id"])
    problem = second.refused("/transfers", body, "id-reused")
    assert "transfer" not in problem


def test_linked(backed: Currency, theirs: str) -> None:
    """19.4 Linked transfers need the right to each of them."""
    mine = backed.account(100)
    legs = [
        {"payer": mine, "payee": theirs, "amount": backed.money(1)},
        {"payer": theirs, "payee": mine, "amount": backed.money(50)},
    ]
    problem = backed.client.refused("/linked-transfers", {"id": new_id(), "legs": legs}, "not-permitted")
    assert pointers(problem) == ["/legs/1"]
    assert backed.balance(mine) == 100


def test_delegates(backed: Currency, second: Client, second_subject: str) -> None:
    """19.5 A holder may let somebody else pay from an account, up to an amount each time, and end it."""
    mine, other = backed.account(100), backed.account()
    path = f"/accounts/{mine}/delegates"
    backed.client.change(path, {"subject": second_subject, "rights": ["pay", "view"], "per_transfer": 10})
    second.make("/transfers", backed.payment(mine, other, 10))
    second.refused("/transfers", backed.payment(mine, other, 11), "not-permitted")
    [delegate] = backed.client.get(f"/accounts/{mine}")["delegates"]
    assert (delegate["subject"], delegate["per_transfer"]) == (second_subject, 10)
    assert sorted(delegate["rights"]) == ["pay", "view"]
    backed.client.change(path, {"subject": second_subject, "rights": []})
    second.refused("/transfers", backed.payment(mine, other, 1), "not-permitted")
    assert backed.balance(mine) == 90


def test_schedules(backed: Currency, theirs: str) -> None:
    """19.6 Schedules need the right to pay from the account."""
    body = {**backed.payment(theirs, backed.account(), 1), "first_at": "2999-01-01T00:00:00Z"}
    backed.client.refused("/schedules", body, "not-permitted", "invalid-request")
    assert backed.client.get("/schedules", account=theirs)["data"] == []


def test_strangers(stranger: Client, backed: Currency) -> None:
    """19.7 Without a token nothing of accounts, transfers, proposals or schedules is told."""
    account = backed.account(1)
    made = backed.history(account)[0]["id"]
    for path in (
        f"/accounts/{account}",
        f"/accounts/{account}/transfers",
        f"/accounts/{account}/balance",
        f"/accounts/{account}/pending-transfers",
        f"/transfers/{made}",
        "/proposals",
        f"/schedules?account={account}",
    ):
        assert stranger.refused(path, None, "not-signed-in", method="GET")["status"] == 401
