"""Refunds"""

from .api import new_id, problem_of, simultaneously
from .books import Currency


def test_in_full(backed: Currency) -> None:
    """8.1 A payment can go back in full, by a transfer of the kind `refund` that says of which (`of`)."""
    payer, payee = backed.account(100), backed.account()
    paid = backed.pay(payer, payee, 60)
    refund = backed.client.make(f"/transfers/{paid['id']}/refunds", {"id": new_id(), "memo": "Stale"})
    assert (refund["kind"], refund["of"], refund["amount"]["amount"]) == ("refund", paid["id"], 60)
    assert (refund["payer"], refund["payee"]) == (payee, payer)
    assert (backed.balance(payer), backed.balance(payee)) == (100, 0)
    assert backed.client.get(f"/transfers/{refund['id']}")["memo"] == "Stale"


def test_in_parts(backed: Currency) -> None:
    """8.2 It can go back in parts, never more than was paid; the payment tells how much has."""
    payer, payee = backed.account(100), backed.account(100)
    paid = backed.pay(payer, payee, 60)
    path = f"/transfers/{paid['id']}/refunds"
    backed.client.make(path, {"id": new_id(), "amount": 25})
    backed.client.refused(path, {"id": new_id(), "amount": 36}, "more-than-paid")
    backed.client.make(path, {"id": new_id(), "amount": 30})
    assert backed.client.get(f"/transfers/{paid['id']}")["refunded"]["amount"] == 55
    assert backed.client.make(path, {"id": new_id()})["amount"]["amount"] == 5
    for body in ({"id": new_id()}, {"id": new_id(), "amount": 1}):
        backed.client.refused(path, body, "more-than-paid")
    assert (backed.balance(payer), backed.balance(payee)) == (100, 100)


def test_all_at_once(backed: Currency) -> None:
    """8.3 Ten refunds of 30 at once, of a payment of 100: three succeed."""
    payer, payee = backed.account(100), backed.account(500)
    path = f"/transfers/{backed.pay(payer, payee, 100)['id']}/refunds"
    answers = simultaneously([lambda: backed.client.send("POST", path, {"id": new_id(), "amount": 30})] * 10)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 7
    for answer in answers:
        if answer.status_code == 422:
            problem_of(answer, "more-than-paid")
    assert backed.balance(payer) == 90


def test_again(backed: Currency) -> None:
    """8.4 The same refund sent again gives nothing back twice."""
    paid = backed.pay(backed.account(100), backed.account(), 60)
    path, body = f"/transfers/{paid['id']}/refunds", {"id": new_id(), "amount": 20}
    first = backed.client.make(path, body)
    assert backed.client.make(path, body, status=200) == first
    backed.client.refused(path, {**body, "amount": 21}, "id-reused")
    assert backed.balance(paid["payer"]) == 60


def test_only_payments(backed: Currency) -> None:
    """8.5 Only payments go back: no refund, no issuance, nothing that never was."""
    payer, payee = backed.account(100), backed.account()
    refund = backed.client.make(f"/transfers/{backed.pay(payer, payee, 10)['id']}/refunds", {"id": new_id()})
    issued = backed.issue(payer, 10)
    for id in (refund["id"], issued["id"], new_id()):
        backed.client.refused(f"/transfers/{id}/refunds", {"id": new_id()}, "unknown-transfer")


def test_spent_already(backed: Currency) -> None:
    """8.6 The payee gives back what it has: if that is too little, nothing moves."""
    payer, payee, third = backed.account(100), backed.account(), backed.account()
    paid = backed.pay(payer, payee, 60)
    backed.pay(payee, third, 50)
    backed.client.refused(f"/transfers/{paid['id']}/refunds", {"id": new_id()}, "insufficient-balance")
    backed.client.make(f"/transfers/{paid['id']}/refunds", {"id": new_id(), "amount": 10})
    assert (backed.balance(payer), backed.balance(payee)) == (50, 0)


def test_of_every_payment(backed: Currency) -> None:
    """8.7 A posted pending transfer and one of several linked ones go back like any other."""
    payer, payee = backed.account(100), backed.account()
    pending = backed.reserve(payer, payee, 30)
    posted = backed.client.make(f"/transfers/{pending['id']}/postings", {"id": new_id()})
    leg = {"payer": payer, "payee": payee, "amount": backed.money(10)}
    linked = backed.client.make("/linked-transfers", {"id": new_id(), "legs": [leg, leg]})
    for id in (posted["id"], *(each["id"] for each in linked["transfers"])):
        backed.client.make(f"/transfers/{id}/refunds", {"id": new_id()})
    assert (backed.balance(payer), backed.balance(payee)) == (100, 0)


def test_not_while_pending(backed: Currency) -> None:
    """8.8 What is only reserved cannot go back."""
    pending = backed.reserve(backed.account(100), backed.account(100), 30)
    backed.client.refused(f"/transfers/{pending['id']}/refunds", {"id": new_id()}, "unknown-transfer")
