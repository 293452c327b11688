"""History, and balances at a time"""

import pytest

from .api import pointers, problem_of
from .books import Currency


def test_rows(backed: Currency) -> None:
    """15.1 An account's history is its transfers, newest first, each with its `change` (signed), the
    `balance` after it and the `counterparty`.
    """
    account, other = backed.account(100), backed.account()
    first, second = backed.pay(account, other, 30), backed.pay(other, account, 10)
    rows = backed.history(account)
    assert [row["id"] for row in rows[:2]] == [second["id"], first["id"]]
    assert [row["change"]["amount"] for row in rows] == [10, -30, 100]
    assert [row["balance"]["amount"] for row in rows] == [80, 70, 100]
    assert [row["counterparty"] for row in rows[:2]] == [other, other]


def test_pages(backed: Currency) -> None:
    """15.2 It comes in pages of at most `limit`, each transfer once, also when others are added meanwhile."""
    account, other = backed.account(100), backed.account()
    made = [backed.pay(account, other, 1)["id"] for _ in range(7)]
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = backed.client.get(f"/accounts/{account}/transfers", **query)
        assert len(page["data"]) <= 3
        seen += [row["id"] for row in page["data"]]
        backed.pay(account, other, 1)
        if not page["has_more"]:
            assert page["next_cursor"] is None
            break
        cursor = page["next_cursor"]
    assert [id for id in seen if id in made] == made[::-1]
    assert len(seen) == len(set(seen))


def test_table(backed: Currency) -> None:
    """15.3 It is to be had as CSV, a row a transfer."""
    account, other = backed.account(100), backed.account()
    made = backed.pay(account, other, 30, memo="=1+1")
    answer = backed.client.send("GET", f"/accounts/{account}/transfers.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert made["id"] in answer.text
    # A program that opens it must not take a memo for a formula.
    assert ",=1+1" not in answer.text


def test_balance_at(backed: Currency) -> None:
    """15.4 The balance at any time of recording is the sum of what was recorded until then, and stays so."""
    account, other = backed.account(100), backed.account()
    times = [backed.pay(account, other, 10)["recorded_at"] for _ in range(4)]
    path = f"/accounts/{account}/balance"
    found = [backed.client.get(path, at=at)["balance"]["amount"] for at in times]
    assert found == [90, 80, 70, 60]
    backed.pay(other, account, 40)
    assert [backed.client.get(path, at=at)["balance"]["amount"] for at in times] == found
    assert backed.client.get(path)["balance"]["amount"] == 100


def test_before_and_after(backed: Currency) -> None:
    """15.5 Before its first transfer an account holds nothing, in times to come what it holds now."""
    account = backed.account(100)
    path = f"/accounts/{account}/balance"
    assert backed.client.get(path, at="1970-01-01T00:00:00Z")["balance"]["amount"] == 0
    assert backed.client.get(path, at="9999-12-31T23:59:59Z")["balance"]["amount"] == 100


def test_axes(backed: Currency) -> None:
    """15.6 A balance is by time of recording, or by the time at which things happened; the latter says that
    it is provisional.
    """
    account = backed.account(100)
    path = f"/accounts/{account}/balance"
    recorded, occurred = (backed.client.get(path, axis=axis) for axis in ("recorded", "occurred"))
    assert (recorded["axis"], recorded["provisional"]) == ("recorded", False)
    assert (occurred["axis"], occurred["provisional"]) == ("occurred", True)
    assert recorded["balance"]["amount"] == occurred["balance"]["amount"] == 100


NO_TIMES = [
    *("", "x", "2026-01-01", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z"),
    *("20270101T000000Z", "2027-W01-1T00:00:00Z", "2027-01-01T00Z", "2027-01-01T00:00:00+00:00:30"),
]


@pytest.mark.parametrize("at", NO_TIMES)
def test_no_time(backed: Currency, at: str) -> None:
    """15.7 A time that is none, or has no offset, or lies before 1970, is refused."""
    path = f"/accounts/{backed.account()}/balance"
    problem = problem_of(backed.client.send("GET", path, params={"at": at}), "invalid-request")
    assert pointers(problem) == ["/at"]


def test_cursors(backed: Currency) -> None:
    """15.8 A cursor that nobody gave out, or a page of no size or too large, is refused."""
    path = f"/accounts/{backed.account()}/transfers"
    for query in ({"cursor": "x"}, {"cursor": "\0"}, {"limit": "0"}, {"limit": "201"}, {"limit": "1.5"}):
        problem_of(backed.client.send("GET", path, params=query), "invalid-request")


def test_refunds_in_the_history(backed: Currency) -> None:
    """15.9 A payment that has gone back says so in the history, and the refund is a row of its own."""
    account, other = backed.account(100), backed.account()
    paid = backed.pay(account, other, 30)
    body = {"id": backed.payment(account, other, 1)["id"], "amount": 10}
    backed.client.make(f"/transfers/{paid['id']}/refunds", body)
    refund, payment, _issued = backed.history(account)
    assert (refund["kind"], refund["change"]["amount"]) == ("refund", 10)
    assert (payment["id"], payment["refunded"]["amount"]) == (paid["id"], 10)
