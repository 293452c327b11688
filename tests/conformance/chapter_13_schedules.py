"""Schedules"""

from datetime import datetime, timedelta

from .api import View, new_id, pointers, until
from .begun import Begun, schedule
from .books import Currency

EXECUTION_SECONDS = 90.0
"""How long after its time a payment may take to be made."""


def test_make(backed: Currency) -> None:
    """13.1 A schedule says when its next payment is due, and moves nothing before."""
    payer, payee = backed.account(99), backed.account()
    body = schedule(backed, payer, payee, 10, in_seconds=3600, every="month", count=12, memo="Rent")
    answer = backed.client.send("POST", "/schedules", body)
    assert answer.status_code == 201
    view = backed.client.get(answer.headers["Location"])
    assert (view["id"], view["status"], view["n"], view["count"]) == (body["id"], "active", 0, 12)
    assert (view["amount"]["amount"], view["every"], view["memo"]) == (10, "month", "Rent")
    assert datetime.fromisoformat(view["next_at"]) == datetime.fromisoformat(body["first_at"])
    assert backed.balance(payer) == 100


def test_cancel(backed: Currency) -> None:
    """13.2 Cancelled, it pays no more, and cannot be cancelled again."""
    body = schedule(backed, backed.account(99), backed.account(), 10, in_seconds=3600)
    backed.client.make("/schedules", body)
    path = f"/schedules/{body['id']}/cancellations"
    assert backed.client.change(path)["status"] == "cancelled"
    assert backed.client.get(f"/schedules/{body['id']}")["next_at"] is None
    backed.client.refused(path, {"id": new_id()}, "schedule-settled")


def test_listed(backed: Currency) -> None:
    """13.3 An account's schedules are listed in pages."""
    payer, payee = backed.account(99), backed.account()
    made = []
    for _ in range(3):
        body = schedule(backed, payer, payee, 10, in_seconds=3600)
        made.append(backed.client.make("/schedules", body)["id"])
    first = backed.client.get("/schedules", account=payer, limit=2)
    rest = backed.client.get("/schedules", account=payer, limit=2, cursor=first["next_cursor"])
    assert first["has_more"]
    assert not rest["has_more"]
    assert sorted(each["id"] for each in (*first["data"], *rest["data"])) == sorted(made)


def test_past(backed: Currency) -> None:
    """13.4 A time on a day that is past, or none at all, is refused, pointing at `first_at`."""
    payer, payee = backed.account(99), backed.account()
    body = schedule(backed, payer, payee, 10, in_seconds=-2 * 86_400)
    for first_at in (body["first_at"], "tomorrow", "2026-01-01", "1969-12-31T23:59:59Z"):
        problem = backed.client.refused("/schedules", {**body, "id": new_id(), "first_at": first_at})
        assert pointers(problem) == ["/first_at"]


def test_paid(backed: Currency, begun_payment: Begun) -> None:
    """13.5 When it is due it is paid, once, by a transfer that names its schedule; then it is done."""
    payer, payee, body = begun_payment.payer, begun_payment.payee, begun_payment.asked
    until(lambda: backed.balance(payee) == 10, EXECUTION_SECONDS, "the scheduled payment")
    assert (backed.balance(payer), backed.balance(payee)) == (90, 10)
    view = backed.client.get(f"/schedules/{body['id']}")
    assert (view["status"], view["n"], view["next_at"]) == ("done", 1, None)
    [row] = backed.history(payee)
    assert row["schedule"] == {"id": body["id"], "n": 0}


def test_failure(backed: Currency, begun_refusal: Begun) -> None:
    """13.6 A payment that is refused when it is due is tried again later; the schedule tells why."""
    body = begun_refusal.asked

    def view() -> View:
        found: View = backed.client.get(f"/schedules/{body['id']}")
        return found

    until(lambda: view()["attempt"] == 2, EXECUTION_SECONDS, "the first attempt")
    assert view()["failure"] == "insufficient-balance"
    assert view()["status"] == "active"
    later = datetime.fromisoformat(view()["next_at"]) - datetime.fromisoformat(body["first_at"])
    assert later >= timedelta(hours=1)
    assert backed.balance(begun_refusal.payee) == 0


def test_again(backed: Currency) -> None:
    """13.7 The same schedule sent again is one schedule."""
    payer = backed.account(99)
    body = schedule(backed, payer, backed.account(), 10, in_seconds=3600)
    first = backed.client.make("/schedules", body)
    assert backed.client.make("/schedules", body, status=200) == first
    backed.client.refused("/schedules", {**body, "count": 2, "every": "day"}, "id-reused")
    assert len(backed.client.get("/schedules", account=payer)["data"]) == 1
