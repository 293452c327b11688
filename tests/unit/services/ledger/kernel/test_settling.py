"""No decision depends on whether what time has done was booked before."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.charters import (
    ExpiryClause,
    FeeClause,
    LimitClause,
    Penalty,
    PurposeClause,
    RedemptionClause,
)
from shared.contracts.commands import ChangeLimits, Settle
from tests.unit.services.ledger.kernel.books import CLOCK_WORK, DAY, Books, rows, transfer

FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["issue", "food", "pay", "reserve"]), st.integers(1, 40), st.integers(0, 20)
        ),
        max_size=8,
    ),
    st.integers(0, 80),
    st.sampled_from(["pay", "redeem", "reserve"]),
)
def test_booking_it_before_or_with_the_next_command_comes_to_the_same(
    steps: list[tuple[str, int, int]], wait: int, end: str
) -> None:
    books = Books("PUMA")
    chest, payer = books.account(), books.account()
    shop = books.account(category="grocer")
    books.amend(
        purposes=[FOOD],
        expiry=ExpiryClause(after_days=30, lot="week"),
        redemption=RedemptionClause(
            penalties=[Penalty(under_days=40, basis_points=500)], penalty_to=chest, lot="week"
        ),
    )
    for what, amount, days in steps:
        if what == "pay":
            books.submit(books.pay(payer, shop, amount))
        elif what == "reserve":
            books.submit(books.reserve(payer, shop, amount, days * 24 * 3600 + 1))
        else:
            books.accept(books.issue(payer, amount, purpose="food" if what == "food" else None))
        books.later(days * DAY)
    books.later(wait * DAY)
    booked = copy.deepcopy(books)
    booked.submit(Settle(id=booked.id(), account=payer), CLOCK_WORK)
    last = {
        "pay": books.pay(payer, shop, 30),
        "reserve": books.reserve(payer, shop, 30),
        "redeem": books.redeem(payer, 30),
    }
    answers = [each.submit(last[end]) for each in (books, booked)]
    assert [type(answer) for answer in answers] == [type(answers[0])] * 2
    if isinstance(answers[0], Exception):
        assert repr(answers[0]) == repr(answers[1])
    for id in (payer, shop, chest):
        assert books.held(id) == booked.held(id)


def test_there_is_something_to_settle_or_there_is_not() -> None:
    books = Books()
    books.currency(expiry=ExpiryClause(after_days=30))
    account = books.account(100)
    books.refuse("not-due", Settle(id=books.id(), account=account), CLOCK_WORK)
    books.at("2026-12-24")
    record = books.accept(Settle(id=books.id(), account=account), CLOCK_WORK)
    assert record.payload["settled"] == {"expired": [[account, "2026-12-23|||", 100]]}
    assert (books.found(account).buckets, books.redeemed()) == ({}, 100)
    books.refuse("not-due", Settle(id=books.id(), account=account), CLOCK_WORK)


def test_limits_of_a_new_charter_hold_from_its_moment_on() -> None:
    books = Books()
    books.currency(limits=rows(credit_limit=100))
    payer, payee, own = books.account(), books.account(), books.account(credit_limit=40)
    books.accept(books.pay(payer, payee, 60))
    books.amend(limits=rows(credit_limit=50, maximum_balance=70))
    refusal = books.refuse("insufficient-balance", books.pay(payer, payee, 1))
    assert refusal.parameters["available_amount"] == 0
    assert books.refuse("maximum-balance", books.issue(payee, 11)).parameters["room_amount"] == 10
    record = books.accept(books.pay(payee, payer, 20))
    assert [change[0] for change in record.payload["changes"]] == [payee, payer]
    assert (books.found(payer).floor, books.found(payer).ceiling) == (-50, 70)
    books.accept(books.pay(payer, payee, 10))
    books.refuse("insufficient-balance", books.pay(own, payee, 41))


def test_a_level_reached_before_counts_in_a_charter_that_asks_for_it() -> None:
    books = Books("PUMA")
    payer, payee = books.account(level=2), books.account()
    plain = [LimitClause(kind="member"), LimitClause(kind="organisation")]
    books.amend(limits=[*plain, LimitClause(kind="member", level=1, credit_limit=50)])
    books.accept(books.pay(payer, payee, 50))
    books.refuse("insufficient-balance", books.pay(payee, payer, 51))
    books.accept(ChangeLimits(id=books.id(), account=payee, level=1))
    books.accept(books.pay(payee, payer, 51))


@pytest.mark.parametrize("touched", ["fee", "penalty"])
def test_accounts_that_get_what_is_kept_back_are_settled_too(touched: str) -> None:
    books = Books()
    books.currency(expiry=ExpiryClause(after_days=30, lot="month"))
    chest, payer, payee = books.account(), books.account(), books.account()
    books.accept(books.issue(chest, 10))
    clause = (
        {"fee": FeeClause(to=chest, fixed=2)}
        if touched == "fee"
        else {
            "redemption": RedemptionClause(
                penalties=[Penalty(under_days=100, basis_points=1000)], penalty_to=chest, lot="month"
            )
        }
    )
    books.amend(expiry=ExpiryClause(after_days=30, lot="month"), **clause)
    books.at("2027-01-05")
    books.accept(books.issue(payer, 20))
    record = books.accept(books.pay(payer, payee, 20) if touched == "fee" else books.redeem(payer, 20))
    assert transfer(record)["kept_back"] == [[touched, chest, 2]]
    assert record.payload["settled"]["expired"] == [[chest, "2026-12-30|||", 10]]
