"""Purposes and expiry"""

from datetime import date, timedelta

import pytest

from .api import Client, new_id, pointers
from .books import Currency, charter, new_currency


def units(currency: Currency, account: str) -> dict[str | None, int]:
    """What an account holds, by purpose."""
    view = currency.client.get(f"/accounts/{account}")
    held: dict[str | None, int] = {}
    for each in view["units"]:
        held[each["purpose"]] = held.get(each["purpose"], 0) + each["amount"]["amount"]
    return held


def holder_of(currency: Currency, **units_of: int) -> str:
    account = currency.account()
    for purpose, amount in units_of.items():
        more = {} if purpose == "free" else {"purpose": purpose}
        currency.issue(account, amount, case_reference="7", **more)
    return account


def test_only_there(purposed: Currency) -> None:
    """10.1 Units issued for a purpose are taken only by payees that fit it (by category)."""
    payer = holder_of(purposed, meals=100)
    bakery, shop = purposed.account(category="bakery"), purposed.account(category="shoes")
    purposed.client.refused("/transfers", purposed.payment(payer, shop, 1), "insufficient-balance")
    purposed.pay(payer, bakery, 60)
    assert (purposed.balance(payer), purposed.balance(bakery)) == (40, 60)


def test_together(purposed: Currency) -> None:
    """10.2 Units for a purpose and free units pay together, the purpose's first; the balance counts both."""
    payer = holder_of(purposed, meals=100, free=50)
    bakery, shop = purposed.account(category="bakery"), purposed.account(category="shoes")
    assert units(purposed, payer) == {"meals": 100, None: 50}
    assert purposed.balance(payer) == 150
    assert purposed.available(payer) == 50
    purposed.pay(payer, bakery, 120)
    assert units(purposed, payer) == {None: 30}
    purposed.client.refused("/transfers", purposed.payment(payer, shop, 31), "insufficient-balance")
    purposed.pay(payer, shop, 30)


def test_ends_on_arrival(purposed: Currency) -> None:
    """10.3 The restriction ends on arrival, unless the charter says otherwise."""
    bakery, shop = purposed.account(category="bakery"), purposed.account(category="shoes")
    purposed.pay(holder_of(purposed, meals=100), bakery, 100)
    assert units(purposed, bakery) == {None: 100}
    purposed.pay(bakery, shop, 100)


def test_goods(purposed: Currency) -> None:
    """10.4 A till may say what of the amount is for which goods: units for such goods pay that part alone."""
    payer, till = holder_of(purposed, books=100, free=20), purposed.account(category="kiosk")
    goods = [{"category": "books", "amount": 40}, {"category": "sweets", "amount": 25}]
    too_sweet = purposed.payment(payer, till, 65, goods=goods)
    purposed.client.refused("/transfers", too_sweet, "insufficient-balance")
    goods[1]["amount"] = 20
    purposed.pay(payer, till, 60, goods=goods)
    assert units(purposed, payer) == {"books": 60}


def test_goods_sum_up(purposed: Currency) -> None:
    """10.5 What is said of goods sums to the amount; otherwise the problem points at it."""
    payer, till = holder_of(purposed, free=100), purposed.account()
    body = purposed.payment(payer, till, 60, goods=[{"category": "books", "amount": 59}])
    assert pointers(purposed.client.refused("/transfers", body, "invalid-request"))[0].startswith("/goods")


def test_groups(purposed: Currency) -> None:
    """10.6 What a payee is tagged with counts at the time of the payment."""
    payer, payee = holder_of(purposed, club=100), purposed.account()
    purposed.client.refused("/transfers", purposed.payment(payer, payee, 10), "insufficient-balance")
    purposed.client.change(f"/accounts/{payee}/tags", {"groups": ["club", "choir"]})
    purposed.pay(payer, payee, 10)
    purposed.client.change(f"/accounts/{payee}/tags", {"groups": []})
    purposed.client.refused("/transfers", purposed.payment(payer, payee, 10), "insufficient-balance")


def test_not_redeemed(purposed: Currency) -> None:
    """10.7 Units for a purpose cannot be redeemed."""
    account = purposed.account(kind="organisation")
    purposed.issue(account, 100, case_reference="7", purpose="meals")
    body = {"id": new_id(), "kind": "redemption", "payer": account, "amount": purposed.money(50)}
    purposed.client.refused("/transfers", body, "insufficient-balance")


def test_unknown_purpose(purposed: Currency) -> None:
    """10.8 A purpose that the charter does not name cannot be issued for, and payments have none."""
    account = purposed.account()
    body = {
        "id": new_id(),
        "kind": "issuance",
        "payee": account,
        "amount": purposed.money(1),
        "purpose": "gold",
    }
    problem = purposed.client.refused("/transfers", {**body, "case_reference": "7"}, "invalid-request")
    assert pointers(problem) == ["/purpose"]
    payment = purposed.payment(holder_of(purposed, free=1), account, 1, purpose="meals")
    assert pointers(purposed.client.refused("/transfers", payment, "invalid-request")) == ["/purpose"]


def test_reserved_units_come_back(purposed: Currency) -> None:
    """10.9 What is reserved and set free again, or paid and refunded, is restricted as before."""
    payer, bakery = holder_of(purposed, meals=100), purposed.account(category="bakery")
    pending = purposed.reserve(payer, bakery, 60)
    purposed.client.change(f"/transfers/{pending['id']}/voids")
    assert units(purposed, payer) == {"meals": 100}
    paid = purposed.pay(payer, bakery, 100)
    purposed.client.make(f"/transfers/{paid['id']}/refunds", {"id": new_id(), "amount": 30})
    assert units(purposed, payer) == {"meals": 30}


@pytest.mark.parametrize("lot", ["day", "week", "month"])
def test_last_day(client: Client, subject: str, lot: str) -> None:
    """10.10 Issued units have a last day where the charter says so, counted from the end of their day, week
    or month; who is paid with them keeps them for good, unless the charter says otherwise.
    """
    document = charter(expiry={"after_days": 10, "lot": lot, "notice_days": 5})
    currency = new_currency(client, subject, charter=document)
    payer, payee = currency.account(), currency.account()
    issued = date.fromisoformat(currency.issue(payer, 100)["recorded_at"][:10])
    end = {
        "day": issued,
        "week": issued + timedelta(days=6 - issued.weekday()),
        "month": (issued.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1),
    }[lot]
    [held] = client.get(f"/accounts/{payer}")["units"]
    assert held["expires_on"] == (end + timedelta(days=10)).isoformat()
    currency.pay(payer, payee, 40)
    [kept] = client.get(f"/accounts/{payee}")["units"]
    assert kept["expires_on"] is None
