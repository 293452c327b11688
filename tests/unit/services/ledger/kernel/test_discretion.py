"""Refusals tell nobody what is in an account that is not theirs to see."""

import pytest

from shared.auth.principal import Principal
from shared.contracts.commands import Approve, LinkedTransfers, Refund, Reverse
from shared.contracts.errors import Refusal
from tests.support.ledger import OPERATOR_PRINCIPAL
from tests.unit.services.ledger.kernel.books import Books, leg


@pytest.fixture
def books() -> Books:
    return Books("PUMA")


def tells_nothing(refusal: Refusal, amount: str) -> None:
    assert not refusal.parameters.keys() & {"room", "room_amount", "available", "available_amount"}
    assert f"{amount} PUMA" in refusal.detail
    assert refusal.parameters["account"]


def test_a_payer_is_not_told_how_much_more_the_payee_could_take(books: Books) -> None:
    payer, payee = books.account(100), books.account(450, maximum_balance=500)
    tells_nothing(books.refuse("maximum-balance", books.pay(payer, payee, 51)), "0.51")
    holder = books.holder(payer)
    legs = [leg(payer, payee, 40), leg(payer, payee, 20)]
    both = LinkedTransfers(id=books.id(), legs=legs)
    refusal = books.refuse("maximum-balance", both, holder)
    tells_nothing(refusal, "0.20")
    assert refusal.parameters["leg"] == 1
    books.allow(payee, "view", who=holder)
    assert books.refuse("maximum-balance", books.pay(payer, payee, 51)).parameters["room_amount"] == 50


def test_who_sees_both_accounts_is_told(books: Books) -> None:
    payee = books.account(450, maximum_balance=500)
    payer = books.account(100, holder=books.holder(payee).subject)
    refusal = books.refuse("maximum-balance", books.pay(payer, payee, 51))
    assert refusal.parameters["room_amount"] == 50
    assert refusal.detail.startswith("The payee can take 0.50 PUMA more")
    refusal = books.refuse("maximum-balance", books.issue(payee, 51), OPERATOR_PRINCIPAL)
    assert refusal.parameters["room_amount"] == 50


def test_who_lets_the_payee_give_back_is_not_told_what_it_has(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    paid = books.pay(payer, payee, 100)
    books.accept(paid)
    books.accept(books.pay(payee, books.account(), 30))
    asked = Reverse(id=books.id(), transfer=paid.id)
    books.accept(asked, books.holder(payee))
    approval = Approve(id=books.id(), proposal=asked.id)
    tells_nothing(books.refuse("insufficient-balance", approval, books.holder(payer)), "1.00")


def test_who_may_pay_and_receive_but_not_see_is_not_told_what_there_is(books: Books) -> None:
    purse, shop = books.account(100), books.account()
    clerk: Principal = books.allow(purse, "pay")
    tells_nothing(books.refuse("insufficient-balance", books.pay(purse, shop, 101), clerk), "1.01")
    paid = books.pay(purse, shop, 100)
    books.accept(paid, clerk)
    books.accept(books.pay(shop, purse, 30))
    till: Principal = books.allow(shop, "receive")
    tells_nothing(books.refuse("insufficient-balance", Refund(id=books.id(), transfer=paid.id), till), "1.00")
