"""Balancing transfers: up to so much"""

from .books import Currency


def test_what_there_is(backed: Currency) -> None:
    """5.1 With `up_to`, as much is moved as is available; `asked` tells what was asked for."""
    payer, payee = backed.account(30), backed.account()
    made = backed.pay(payer, payee, 100, up_to=True)
    assert (made["amount"]["amount"], made["asked"]["amount"]) == (30, 100)
    assert (backed.balance(payer), backed.balance(payee)) == (0, 30)


def test_enough(backed: Currency) -> None:
    """5.2 Where there is enough, all is moved, and nothing is said of it."""
    made = backed.pay(backed.account(100), backed.account(), 40, up_to=True)
    assert made["amount"]["amount"] == 40
    assert "asked" not in made


def test_nothing(backed: Currency) -> None:
    """5.3 Where nothing can be moved, the transfer is refused."""
    body = backed.payment(backed.account(), backed.account(), 40, up_to=True)
    backed.client.refused("/transfers", body, "insufficient-balance")


def test_room(backed: Currency) -> None:
    """5.4 No more is moved than the payee may hold."""
    payer, payee = backed.account(100), backed.account(maximum_balance=25)
    assert backed.pay(payer, payee, 100, up_to=True)["amount"]["amount"] == 25
    body = backed.payment(payer, payee, 100, up_to=True)
    backed.client.refused("/transfers", body, "maximum-balance")


def test_again(backed: Currency) -> None:
    """5.5 Sent again, it moves nothing more, whatever is available by now."""
    payer, payee = backed.account(30), backed.account()
    body = backed.payment(payer, payee, 100, up_to=True)
    first = backed.client.make("/transfers", body)
    backed.issue(payer, 50)
    assert backed.client.make("/transfers", body, status=200) == first
    assert backed.balance(payer) == 50


def test_credit(mutual: Currency) -> None:
    """5.6 What may be owed counts as available."""
    payer, payee = mutual.account(), mutual.account()
    assert mutual.pay(payer, payee, 5000, up_to=True)["amount"]["amount"] == 1000
    assert mutual.balance(payer) == -1000


def test_spending_limits(backed: Currency) -> None:
    """5.7 No more is moved than the payer's limits allow."""
    payer, payee = backed.account(100), backed.account()
    backed.client.change(f"/accounts/{payer}/limits", {"per_day": 40})
    assert backed.pay(payer, payee, 100, up_to=True)["amount"]["amount"] == 40
