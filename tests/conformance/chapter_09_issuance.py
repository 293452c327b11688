"""Issuance and redemption"""

from typing import Any

from .api import View, new_id, pointers
from .books import Currency, charter, new_currency


def redemption(currency: Currency, payer: str, amount: int, **more: Any) -> View:
    return {"id": new_id(), "kind": "redemption", "payer": payer, "amount": currency.money(amount), **more}


def issuance(currency: Currency, payee: str, amount: int, **more: Any) -> View:
    return {"id": new_id(), "kind": "issuance", "payee": payee, "amount": currency.money(amount), **more}


def test_sums_to_zero(fresh: Currency) -> None:
    """9.1 What is issued comes from the currency's own account: all balances together are always zero."""
    one, two = fresh.account(70), fresh.account(30)
    fresh.pay(one, two, 20)
    fresh.client.make("/transfers", redemption(fresh, two, 10))
    own = [fresh.view["issuance_account"], fresh.view["redemption_account"]]
    assert [fresh.balance(each) for each in own] == [-100, 10]
    assert sum(fresh.balance(each) for each in (one, two, *own)) == 0


def test_issue(backed: Currency) -> None:
    """9.2 An issuance names its payee alone; its payer is the currency's own account."""
    account = backed.account()
    made = backed.client.make("/transfers", issuance(backed, account, 10, case_reference="C-1"))
    assert (made["payer"], made["payee"]) == (backed.view["issuance_account"], account)
    assert (made["kind"], made["case_reference"]) == ("issuance", "C-1")


def test_redeem(backed: Currency) -> None:
    """9.3 A redemption takes units out for good; never more than there are."""
    account = backed.account(50)
    made = backed.client.make("/transfers", redemption(backed, account, 20))
    assert made["payee"] == backed.view["redemption_account"]
    backed.client.refused("/transfers", redemption(backed, account, 31), "insufficient-balance")
    assert backed.balance(account) == 30


def test_mutual_credit(mutual: Currency) -> None:
    """9.4 In mutual credit nothing is issued or redeemed."""
    account = mutual.account()
    for body in (issuance(mutual, account, 1), redemption(mutual, account, 1)):
        mutual.client.refused("/transfers", body, "wrong-kind", "charter-forbids")


def test_case_reference(purposed: Currency) -> None:
    """9.5 Where the charter asks for a case reference, an issuance without one, or with blanks for it, is
    refused, pointing at it.
    """
    account = purposed.account()
    for missing in ({}, {"case_reference": ""}, {"case_reference": " "}, {"case_reference": "\t\n"}):
        body = issuance(purposed, account, 1, **missing)
        problem = purposed.client.refused("/transfers", body, "invalid-request")
        assert pointers(problem) == ["/case_reference"]
    purposed.client.make("/transfers", issuance(purposed, account, 1, case_reference="7"))


def test_who_redeems(purposed: Currency) -> None:
    """9.6 The charter says which kinds of account redeem, and the least that is redeemed."""
    member, shop = purposed.account(), purposed.account(kind="organisation")
    for account in (member, shop):
        purposed.issue(account, 200, case_reference="7")
    purposed.client.refused("/transfers", redemption(purposed, member, 100), "charter-forbids")
    purposed.client.refused("/transfers", redemption(purposed, shop, 49), "below-minimum")
    purposed.client.make("/transfers", redemption(purposed, shop, 50))


def test_credit_is_not_redeemed(backed: Currency) -> None:
    """9.7 What is owed cannot be redeemed: credit gives no units."""
    account = backed.account(10, credit_limit=100)
    backed.client.refused("/transfers", redemption(backed, account, 11), "insufficient-balance")
    backed.client.make("/transfers", redemption(backed, account, 10))


def test_no_issuance(backed: Currency) -> None:
    """9.8 A charter that allows no issuance lets none happen."""
    closed = new_currency(backed.client, backed.subject, charter=charter(issuance={"allowed": False}))
    body = issuance(closed, closed.account(), 1)
    closed.client.refused("/transfers", body, "charter-forbids")
