"""Limits"""

import pytest

from .api import MAX_AMOUNT
from .books import Currency


def test_zero(backed: Currency) -> None:
    """4.1 Without credit an account can be emptied, and no more."""
    payer, payee = backed.account(10), backed.account()
    backed.pay(payer, payee, 10)
    backed.client.refused("/transfers", backed.payment(payer, payee, 1), "insufficient-balance")
    assert (backed.balance(payer), backed.balance(payee)) == (0, 10)


def test_credit(mutual: Currency) -> None:
    """4.2 With credit an account can owe up to its limit, and no more; `available` counts the credit."""
    payer, payee = mutual.account(), mutual.account()
    assert mutual.available(payer) == 1000
    mutual.pay(payer, payee, 999)
    mutual.client.refused("/transfers", mutual.payment(payer, payee, 2), "insufficient-balance")
    mutual.pay(payer, payee, 1)
    mutual.client.refused("/transfers", mutual.payment(payer, payee, 1), "insufficient-balance")
    assert (mutual.balance(payer), mutual.available(payer)) == (-1000, 0)
    assert mutual.balance(payee) == 1000


def test_maximum_balance(backed: Currency) -> None:
    """4.3 An account takes in up to its maximum balance, and no more."""
    payer, payee = backed.account(200), backed.account(maximum_balance=100)
    backed.client.refused("/transfers", backed.payment(payer, payee, 101), "maximum-balance")
    backed.pay(payer, payee, 100)
    backed.client.refused("/transfers", backed.payment(payer, payee, 1), "maximum-balance")
    assert backed.balance(payee) == 100


def test_per_transfer(backed: Currency) -> None:
    """4.4 A limit per transfer refuses what is above it, and takes what is on it."""
    payer, payee = backed.account(1000), backed.account()
    backed.client.change(f"/accounts/{payer}/limits", {"per_transfer": 50})
    backed.client.refused("/transfers", backed.payment(payer, payee, 51), "spending-limit")
    backed.pay(payer, payee, 50)
    backed.pay(payer, payee, 50)


@pytest.mark.parametrize("period", ["per_day", "per_month"])
def test_per_period(backed: Currency, period: str) -> None:
    """4.5 A limit per day or month counts all that leaves the account, what is reserved too; refunds give no
    room back.
    """
    payer, payee = backed.account(1000), backed.account()
    backed.client.change(f"/accounts/{payer}/limits", {period: 100})
    made = backed.pay(payer, payee, 60)
    reserved = backed.reserve(payer, payee, 30)
    backed.client.change(f"/transfers/{reserved['id']}/voids")
    backed.client.make(f"/transfers/{made['id']}/refunds", {"id": backed.payment(payer, payee, 1)["id"]})
    backed.client.refused("/transfers", backed.payment(payer, payee, 11), "spending-limit")
    backed.pay(payer, payee, 10)
    backed.client.refused("/transfers", backed.payment(payer, payee, 1), "spending-limit")


def test_own_limits(mutual: Currency) -> None:
    """4.6 An account's own limits go before the charter's; null goes back to them, and what is left out
    stays.
    """
    payer, payee = mutual.account(), mutual.account()
    limits = f"/accounts/{payer}/limits"
    mutual.client.change(limits, {"credit_limit": 10, "per_transfer": 500})
    assert mutual.available(payer) == 10
    mutual.client.refused("/transfers", mutual.payment(payer, payee, 11), "insufficient-balance")
    mutual.client.change(limits, {"credit_limit": None})
    assert mutual.available(payer) == 1000
    mutual.client.refused("/transfers", mutual.payment(payer, payee, 501), "spending-limit")
    view = mutual.client.get(f"/accounts/{payer}")
    assert view["credit_limit"] == 1000
    assert view["limits"]["per_transfer"] == 500


def test_soft_limits(purposed: Currency) -> None:
    """4.7 A soft limit warns and refuses nothing."""
    payer, payee = purposed.account(), purposed.account()
    purposed.issue(payer, 1000, case_reference="1")
    assert "warnings" not in purposed.pay(payer, payee, 500)
    assert purposed.pay(payer, payee, 1)["warnings"]
    assert purposed.balance(payee) == 501


def test_above_the_limit_already(backed: Currency) -> None:
    """4.8 A limit that is lowered below what is there takes nothing away, and lets nothing more in."""
    payer, payee = backed.account(100), backed.account(100)
    backed.client.change(f"/accounts/{payee}/limits", {"maximum_balance": 50})
    assert backed.balance(payee) == 100
    backed.client.refused("/transfers", backed.payment(payer, payee, 1), "maximum-balance")
    backed.pay(payee, payer, 60)
    backed.pay(payer, payee, 10)
    assert backed.balance(payee) == 50


def test_the_largest_amount(fresh: Currency) -> None:
    """4.9 Amounts are exact from 1 to 9,007,199,254,740,991; nothing can be made to hold more than that."""
    one, other = fresh.account(MAX_AMOUNT), fresh.account()
    more = {**fresh.payment(one, other, 1), "kind": "issuance"}
    del more["payer"]
    fresh.client.refused("/transfers", more, "too-much-to-count", "insufficient-balance")
    fresh.client.refused("/transfers", fresh.payment(one, other, MAX_AMOUNT + 1), "invalid-amount")
    fresh.pay(one, other, MAX_AMOUNT - 1)
    assert (fresh.balance(one), fresh.balance(other)) == (1, MAX_AMOUNT - 1)
