"""Pending transfers"""

from .api import Client, new_id, problem_of, simultaneously, until
from .begun import Begun
from .books import Currency

LAPSE_SECONDS = 20.0
"""How long a reservation of one second may take to be gone."""


def test_reserve(backed: Currency) -> None:
    """6.1 With `pending_seconds` the amount is reserved: it stays in the balance and is no longer
    available.
    """
    payer, payee = backed.account(100), backed.account()
    made = backed.reserve(payer, payee, 30)
    assert made["status"] == "pending"
    assert made["lapses_at"] > made["recorded_at"]
    assert (backed.balance(payer), backed.available(payer)) == (100, 70)
    assert (backed.balance(payee), backed.available(payee)) == (0, 0)
    assert backed.client.get(f"/accounts/{payer}")["reserved"]["amount"] == 30


def test_not_spent_twice(backed: Currency) -> None:
    """6.2 What is reserved can neither be paid nor reserved again."""
    payer, payee = backed.account(100), backed.account()
    backed.reserve(payer, payee, 60)
    backed.client.refused("/transfers", backed.payment(payer, payee, 41), "insufficient-balance")
    reserving = backed.payment(payer, payee, 41, pending_seconds=60)
    backed.client.refused("/transfers", reserving, "insufficient-balance")
    backed.pay(payer, payee, 40)
    assert (backed.balance(payer), backed.available(payer)) == (60, 0)


def test_post(backed: Currency) -> None:
    """6.3 Posted, the amount moves by a transfer of its own, which names the pending one."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    posted = backed.client.make(f"/transfers/{pending['id']}/postings", {"id": new_id()})
    assert (posted["status"], posted["amount"]["amount"]) == ("posted", 30)
    assert posted["pending"] == pending["id"]
    assert (backed.balance(payer), backed.available(payer), backed.balance(payee)) == (70, 70, 30)
    assert backed.client.get(f"/transfers/{posted['id']}")["amount"]["amount"] == 30
    assert backed.client.get(f"/transfers/{pending['id']}")["status"] == "posted"


def test_post_a_part(backed: Currency) -> None:
    """6.4 Posted in part, the rest is free at once."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    body = {"id": new_id(), "amount": 12}
    assert backed.client.make(f"/transfers/{pending['id']}/postings", body)["amount"]["amount"] == 12
    assert (backed.balance(payer), backed.available(payer), backed.balance(payee)) == (88, 88, 12)


def test_post_too_much(backed: Currency) -> None:
    """6.5 More than is reserved cannot be posted, though more be available."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    body = {"id": new_id(), "amount": 31}
    backed.client.refused(f"/transfers/{pending['id']}/postings", body, "more-than-reserved")
    assert (backed.balance(payer), backed.available(payer)) == (100, 70)


def test_void(backed: Currency) -> None:
    """6.6 Voided, the amount is free again and nothing has moved."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    assert backed.client.change(f"/transfers/{pending['id']}/voids")["status"] == "voided"
    assert (backed.balance(payer), backed.available(payer), backed.balance(payee)) == (100, 100, 0)
    assert backed.client.get(f"/transfers/{pending['id']}")["status"] == "voided"


def test_once(backed: Currency) -> None:
    """6.7 What is posted or voided cannot be posted or voided again."""
    for end in ("postings", "voids"):
        payer, payee = backed.account(100), backed.account()
        pending = backed.reserve(payer, payee, 30)
        ended = backed.client.send("POST", f"/transfers/{pending['id']}/{end}", {"id": new_id()})
        assert ended.ok
        for again in ("postings", "voids"):
            backed.client.refused(f"/transfers/{pending['id']}/{again}", {"id": new_id()}, "not-pending")
        assert backed.balance(payee) == (30 if end == "postings" else 0)


def test_same_again(backed: Currency) -> None:
    """6.8 The same posting sent again is answered as the first time, and moves nothing."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    body = {"id": new_id(), "amount": 20}
    first = backed.client.make(f"/transfers/{pending['id']}/postings", body)
    assert backed.client.make(f"/transfers/{pending['id']}/postings", body, status=200) == first
    other = {**body, "amount": 21}
    backed.client.refused(f"/transfers/{pending['id']}/postings", other, "id-reused")
    assert backed.balance(payee) == 20


def test_lapse(backed: Currency, begun_reservation: Begun) -> None:
    """6.9 It lapses by itself when its time is over: the amount is available again, posting is refused."""
    payer, payee, pending = begun_reservation.payer, begun_reservation.payee, begun_reservation.asked
    until(lambda: backed.available(payer) == 100, LAPSE_SECONDS, "the reservation to lapse")
    assert backed.client.get(f"/transfers/{pending['id']}")["status"] == "lapsed"
    refused = backed.client.refused(f"/transfers/{pending['id']}/postings", {"id": new_id()}, "not-pending")
    assert refused["parameters"]["status"] == "lapsed"
    backed.pay(payer, payee, 100)


def test_listed(backed: Currency) -> None:
    """6.10 What is pending is listed for payer and payee, in pages, until it ends; it is no row of the
    history.
    """
    payer, payee = backed.account(100), backed.account()
    made = [backed.reserve(payer, payee, 10)["id"] for _ in range(3)]
    for account in (payer, payee):
        listed, query = [], {"limit": 2}
        while True:
            page = backed.client.get(f"/accounts/{account}/pending-transfers", **query)
            listed += [each["id"] for each in page["data"]]
            if not page["has_more"]:
                break
            query["cursor"] = page["next_cursor"]
        assert sorted(listed) == sorted(made)
        assert not set(made) & {row["id"] for row in backed.history(account)}
    for id in made:
        backed.client.change(f"/transfers/{id}/voids")
    assert backed.client.get(f"/accounts/{payer}/pending-transfers")["data"] == []


def test_one_of_many(backed: Currency) -> None:
    """6.11 Of ten postings at once, each under its own id, one succeeds."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    path = f"/transfers/{pending['id']}/postings"
    answers = simultaneously([lambda: backed.client.send("POST", path, {"id": new_id()})] * 10)
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9
    for answer in answers:
        if answer.status_code == 422:
            problem_of(answer, "not-pending")
    assert backed.balance(payee) == 30


def test_unknown(backed: Currency) -> None:
    """6.12 What was never reserved cannot be posted or voided: no transfer of that id, or a posted one."""
    made = backed.pay(backed.account(10), backed.account(), 10)
    for id in (new_id(), made["id"]):
        for end in ("postings", "voids"):
            backed.client.refused(f"/transfers/{id}/{end}", {"id": new_id()}, "unknown-transfer")


def test_only_payments(backed: Currency) -> None:
    """6.13 Only payments are reserved."""
    body = {"id": new_id(), "kind": "issuance", "payee": backed.account(), "amount": backed.money(1)}
    backed.client.refused("/transfers", {**body, "pending_seconds": 60}, "invalid-request")


def test_who_posts(backed: Currency, member: Client, member_subject: str) -> None:
    """6.14 The payer cannot post what is reserved for another; the payee can."""
    theirs, mine = backed.account(100, holder=member_subject), backed.account(100)
    paying = member.make("/transfers", backed.payment(theirs, mine, 30, pending_seconds=600))
    member.refused(f"/transfers/{paying['id']}/postings", {"id": new_id()}, "not-permitted")
    assert (backed.balance(theirs), backed.available(theirs), backed.balance(mine)) == (100, 70, 100)
    paid = backed.reserve(mine, theirs, 20)
    posted = member.make(f"/transfers/{paid['id']}/postings", {"id": new_id()})
    assert posted["amount"]["amount"] == 20
    assert (backed.balance(mine), backed.balance(theirs)) == (80, 120)
