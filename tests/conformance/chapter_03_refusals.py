"""Refusals"""

from .api import new_id, problem_of, simultaneously
from .books import Currency


def test_nothing_moves(backed: Currency) -> None:
    """3.1 A transfer beyond what is available is refused with 422, moves nothing and leaves no trace."""
    payer, payee = backed.account(10), backed.account()
    body = backed.payment(payer, payee, 11)
    backed.client.refused("/transfers", body, "insufficient-balance")
    assert (backed.balance(payer), backed.balance(payee)) == (10, 0)
    backed.client.refused(f"/transfers/{body['id']}", None, "not-found", method="GET")
    assert body["id"] not in [row["id"] for row in backed.history(payer)]


def test_refused_stays_refused(backed: Currency) -> None:
    """3.2 What the rules refused once stays refused: the same request gets the same answer with
    `Idempotency-Hit`, even when it could be done by now.
    """
    payer, payee = backed.account(), backed.account()
    body = backed.payment(payer, payee, 10)
    first = backed.client.refused("/transfers", body, "insufficient-balance")
    backed.issue(payer, 10)
    again = backed.client.send("POST", "/transfers", body)
    assert problem_of(again) == first
    assert again.headers["Idempotency-Hit"] == "true"
    assert backed.balance(payer) == 10


def test_anew(backed: Currency) -> None:
    """3.3 The same payment under a new id is decided anew."""
    payer, payee = backed.account(), backed.account()
    backed.client.refused("/transfers", backed.payment(payer, payee, 10), "insufficient-balance")
    backed.issue(payer, 10)
    backed.pay(payer, payee, 10)
    assert backed.balance(payee) == 10


def test_refused_ids_are_taken(backed: Currency) -> None:
    """3.4 The id of a refused request belongs to it: another content is refused with 409."""
    payer, payee = backed.account(5), backed.account()
    body = backed.payment(payer, payee, 10)
    backed.client.refused("/transfers", body, "insufficient-balance")
    assert (
        backed.client.refused("/transfers", {**body, "amount": backed.money(5)}, "id-reused")["status"] == 409
    )
    assert backed.balance(payer) == 5


def test_parties(backed: Currency, mutual: Currency) -> None:
    """3.5 Payer and payee are two accounts that exist, in the transfer's currency; anything else is refused
    by name.
    """
    one, other, foreign = backed.account(10), backed.account(), mutual.account()
    refuse = backed.client.refused
    refuse("/transfers", backed.payment(one, one, 1), "same-account")
    refuse("/transfers", backed.payment(one, new_id(), 1), "unknown-account")
    refuse("/transfers", backed.payment(one, foreign, 1), "wrong-currency")
    refuse("/transfers", mutual.payment(one, other, 1), "wrong-currency")
    unknown = {**backed.payment(one, other, 1), "amount": {"amount": 1, "currency": "NOSUCHONE"}}
    refuse("/transfers", unknown, "unknown-currency")
    assert backed.balance(one) == 10


def test_own_accounts(backed: Currency) -> None:
    """3.6 Nobody pays from or into the currency's own accounts."""
    account, own = backed.account(10), backed.view["issuance_account"]
    for body in (backed.payment(account, own, 1), backed.payment(own, account, 1)):
        backed.client.refused("/transfers", body, "wrong-kind", "not-permitted")
    assert backed.balance(account) == 10


def test_mended(backed: Currency) -> None:
    """3.7 A request that could not be read decides nothing: mended, it is carried out under the same id."""
    payer, payee = backed.account(10), backed.account()
    body = backed.payment(payer, payee, 10)
    backed.client.refused("/transfers", {**body, "amount": backed.money(0)}, "invalid-amount")
    backed.client.refused("/transfers", {**body, "nonsense": 1}, "invalid-request")
    backed.client.make("/transfers", body)
    assert backed.balance(payee) == 10


def test_refused_all_at_once(backed: Currency) -> None:
    """3.8 A refused request sent ten times at once gets one answer."""
    body = backed.payment(backed.account(), backed.account(), 10)
    answers = simultaneously([lambda: backed.client.send("POST", "/transfers", body)] * 10)
    first = problem_of(answers[0], "insufficient-balance")
    assert all(problem_of(answer) == first for answer in answers)
