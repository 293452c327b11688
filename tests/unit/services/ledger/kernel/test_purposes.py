"""Units for a purpose: where they can be spent, in which order, and what becomes of them."""

from typing import Any

import pytest

from shared.contracts.charters import ExpiryClause, FeeClause, Penalty, PurposeClause, RedemptionClause
from shared.contracts.commands import Goods, TagAccount
from tests.unit.services.ledger.kernel.books import Books, transfer

FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer", "baker"])
MARKET = PurposeClause(code="market", names={"en": "Market"}, places=["triana"])
SCHOOL = PurposeClause(
    code="school",
    names={"en": "School"},
    groups=["fair"],
    since="2026-12-01",
    until="2026-12-10",
)
BREAD = PurposeClause(code="bread", names={"en": "Bread"}, goods=["bread", "flour"])
CARE = PurposeClause(code="care", names={"en": "Care"}, categories=["nurse"], carries=True)


@pytest.fixture
def books() -> Books:
    books = Books()
    books.currency(purposes=[FOOD, MARKET, SCHOOL, BREAD, CARE])
    return books


def goods(**amounts: int) -> list[Goods]:
    return [Goods(category=category, amount=amount) for category, amount in amounts.items()]


def _lacks(books: Books, payer: str, payee: str, amount: int, available: int, **more: Any) -> None:
    refusal = books.refuse("insufficient-balance", books.pay(payer, payee, amount, **more))
    assert refusal.parameters["available_amount"] == available


def test_units_for_a_purpose_are_spent_at_payees_that_suit_it_and_are_free_then(books: Books) -> None:
    payer = books.account(10)
    books.accept(books.issue(payer, 50, purpose="food"))
    grocer, barber = books.account(category="grocer"), books.account(category="barber")
    _lacks(books, payer, barber, 11, 10)
    record = books.accept(books.pay(payer, grocer, 55))
    assert transfer(record)["drawn"] == [["|food||", 50], ["", 5]]
    assert books.held(grocer) == {"": 55}
    books.accept(books.pay(grocer, barber, 55))


def test_places_groups_and_dates(books: Books) -> None:
    payer = books.account()
    for purpose in ("market", "school"):
        books.accept(books.issue(payer, 50, purpose=purpose))
    stall, fair = books.account(place="triana"), books.account(groups=["fair", "other"])
    _lacks(books, payer, fair, 1, 0)
    books.accept(books.pay(payer, stall, 20))
    books.at("2026-12-01")
    books.accept(books.pay(payer, fair, 20))
    _lacks(books, payer, stall, 31, 30)
    books.at("2026-12-10T23:59")
    books.accept(books.pay(payer, fair, 20))
    books.at("2026-12-11")
    assert books.held(payer) == {"|market||": 30}
    books.accept(books.pay(payer, stall, 30))
    assert books.redeemed() == 10
    books.refuse("charter-forbids", books.issue(payer, 1, purpose="school"))


def test_a_payee_is_judged_by_its_tags_of_now(books: Books) -> None:
    payer, shop = books.account(), books.account(category="barber")
    books.accept(books.issue(payer, 50, purpose="food"))
    _lacks(books, payer, shop, 1, 0)
    books.accept(TagAccount(id=books.id(), account=shop, category="baker"))
    books.accept(books.pay(payer, shop, 50))


def test_a_till_divides_a_payment_by_goods(books: Books) -> None:
    payer, shop = books.account(30), books.account()
    books.accept(books.issue(payer, 50, purpose="bread"))
    _lacks(books, payer, shop, 31, 30)
    _lacks(books, payer, shop, 80, 70, goods=goods(bread=40, wine=40))
    record = books.accept(books.pay(payer, shop, 45, goods=goods(bread=10, flour=20, wine=15)))
    assert transfer(record)["drawn"] == [["|bread||", 30], ["", 15]]
    assert transfer(record)["goods"] == [["bread", 10], ["flour", 20], ["wine", 15]]
    assert books.held(payer) == {"|bread||": 20, "": 15}


def test_several_purposes_and_free_units_pay_together_where_each_fits_best(books: Books) -> None:
    payer, grocer = books.account(10), books.account(category="grocer")
    books.accept(books.issue(payer, 40, purpose="bread"))
    books.accept(books.issue(payer, 50, purpose="food"))
    # Bread comes first by its name and serves 40 of 50; food moves to the wine to let it.
    record = books.accept(books.pay(payer, grocer, 100, goods=goods(bread=50, wine=50)))
    assert transfer(record)["drawn"] == [["|bread||", 40], ["|food||", 50], ["", 10]]
    assert books.held(payer) == {}


def test_units_for_a_purpose_are_not_redeemed_and_pay_no_fee() -> None:
    books = Books()
    books.currency(purposes=[FOOD])
    till, payer = books.account(), books.account(3)
    grocer = books.account(category="grocer")
    books.accept(books.issue(payer, 50, purpose="food"))
    assert books.refuse("insufficient-balance", books.redeem(payer, 4)).parameters["available_amount"] == 3
    books.amend(purposes=[FOOD], fee=FeeClause(to=till, fixed=2, paid_by="payer"))
    record = books.accept(books.pay(payer, grocer, 40))
    assert transfer(record)["drawn"] == [["|food||", 40], ["", 2]]
    _lacks(books, payer, grocer, 10, 1)
    books.accept(books.issue(payer, 1))
    books.accept(books.pay(payer, grocer, 10))
    assert (books.held(payer), books.total(till)) == ({}, 4)


def test_a_fee_beside_the_payment_is_drawn_from_free_units_that_lapse_first() -> None:
    books = Books()
    books.currency(purposes=[FOOD], expiry=ExpiryClause(after_days=30, lot="month"))
    till, payer, grocer = books.account(), books.account(10), books.account(category="grocer")
    books.at("2026-12-05")
    books.accept(books.issue(payer, 10, purpose="food"))
    books.amend(
        purposes=[FOOD],
        expiry=ExpiryClause(after_days=30, lot="month"),
        fee=FeeClause(to=till, fixed=2, paid_by="payer"),
    )
    # All that lapses first would leave nothing free for the fee.
    record = books.accept(books.pay(payer, grocer, 10))
    assert transfer(record)["drawn"] == [["2026-12-30|||", 8], ["2027-01-30|food||", 2], ["2026-12-30|||", 2]]
    assert books.held(payer) == {"2027-01-30|food||": 8}


def test_a_fee_kept_back_comes_out_of_what_was_drawn_last_and_is_free() -> None:
    books = Books()
    books.currency(purposes=[CARE])
    till, payer, nurse = books.account(), books.account(), books.account(category="nurse")
    books.accept(books.issue(payer, 30, purpose="care"))
    books.amend(purposes=[CARE], fee=FeeClause(to=till, basis_points=1000))
    books.accept(books.pay(payer, nurse, 30))
    assert books.held(nurse) == {"|care||": 27}
    assert books.held(till) == {"": 3}


def test_a_restriction_that_is_carried_goes_on(books: Books) -> None:
    payer, nurse = books.account(), books.account(category="nurse")
    other_nurse, shop = books.account(category="nurse"), books.account()
    books.accept(books.issue(payer, 50, purpose="care"))
    books.accept(books.pay(payer, nurse, 30))
    assert books.held(nurse) == {"|care||": 30}
    _lacks(books, nurse, shop, 1, 0)
    books.accept(books.pay(nurse, other_nurse, 30))


def test_what_lapses_first_is_spent_first_purposes_before_free_units_of_the_same_day() -> None:
    books = Books()
    books.currency(purposes=[FOOD], expiry=ExpiryClause(after_days=30, lot="month"))
    payer, grocer = books.account(10), books.account(category="grocer")
    books.accept(books.issue(payer, 10, purpose="food"))
    books.at("2026-12-05")
    books.accept(books.issue(payer, 10, purpose="food"))
    record = books.accept(books.pay(payer, grocer, 25))
    assert transfer(record)["drawn"] == [
        ["2026-12-30|food||", 10],
        ["2026-12-30|||", 10],
        ["2027-01-30|food||", 5],
    ]


def test_a_purpose_that_the_charter_names_no_more_restricts_nothing(books: Books) -> None:
    payer, barber = books.account(), books.account(category="barber")
    books.accept(books.issue(payer, 50, purpose="food"))
    books.amend(purposes=[MARKET])
    books.accept(books.redeem(payer, 10))
    books.accept(books.pay(payer, barber, 40))
    assert books.held(barber) == {"": 40}


def test_lots_of_receipt_are_spent_oldest_first() -> None:
    books = Books("PUMA")
    chest = books.account()
    books.amend(
        purposes=[FOOD],
        redemption=RedemptionClause(
            penalties=[Penalty(under_days=30, basis_points=100)], penalty_to=chest, lot="week"
        ),
    )
    payer, grocer = books.account(10), books.account(category="grocer")
    books.at("2026-12-01")
    books.accept(books.issue(payer, 10, purpose="food"))
    books.accept(books.issue(payer, 10))
    record = books.accept(books.pay(payer, grocer, 25))
    assert transfer(record)["drawn"] == [
        ["||2026-11-23|", 10],
        ["|food|2026-11-30|", 10],
        ["||2026-11-30|", 5],
    ]
    assert books.held(grocer) == {"||2026-11-30|": 25}
