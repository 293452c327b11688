"""Payments, issuances and redemptions, fees and penalties, and payments of "up to so much"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.principal import IMPORTER
from shared.contracts.charters import (
    ExpiryClause,
    FeeClause,
    IssuanceClause,
    Penalty,
    RedemptionClause,
)
from shared.contracts.commands import CloseAccount, Goods
from shared.contracts.money import MAX_AMOUNT
from tests.support.ledger import OPERATOR_PRINCIPAL, principal
from tests.unit.services.ledger.kernel.books import DAY, Books, rows, transfer


@pytest.fixture
def books() -> Books:
    return Books("PUMA")


def _with_fee(**fee: int | str) -> tuple[Books, str]:
    """Books in which a fee is taken, and its account."""
    books = Books("PUMA")
    till = books.account()
    books.amend(fee=FeeClause(to=till, **fee))  # type: ignore[arg-type]
    return books, till


# Who pays whom


def test_a_record_of_a_plain_payment_says_no_more_than_it_must(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    record = books.accept(books.pay(payer, payee, 40))
    assert record.payload.keys() == {"accounts", "entries", "principal", "transfer"}
    assert transfer(record).keys() == {"amount", "currency", "id", "kind", "payee", "payer"}


def test_delegates_pay_with_the_right_to_and_within_their_limit(books: Books) -> None:
    payer, payee = books.account(1000), books.account()
    clerk = books.allow(payer, "pay", limit=50)
    viewer = books.allow(payer, "view", "receive", "schedule")
    books.accept(books.pay(payer, payee, 50), clerk)
    books.refuse("not-permitted", books.pay(payer, payee, 51), clerk)
    books.refuse("not-permitted", books.pay(payer, payee, 1), viewer)
    books.refuse("not-permitted", books.pay(payee, payer, 1), clerk)


@pytest.mark.parametrize(("direction", "gives", "takes"), [("out", False, True), ("all", False, False)])
def test_frozen_accounts(books: Books, direction: str, gives: bool, takes: bool) -> None:
    frozen, other = books.account(100), books.account(100)
    books.freeze(frozen, direction)
    for command, goes in (
        (books.pay(frozen, other, 1), gives),
        (books.redeem(frozen, 1), gives),
        (books.pay(other, frozen, 1), takes),
        (books.issue(frozen, 1), takes),
    ):
        if goes:
            books.accept(command)
        else:
            assert books.refuse("account-frozen", command).parameters == {"account": frozen}
    books.unfreeze(frozen)
    books.accept(books.pay(frozen, other, 1))


def test_closed_accounts_neither_give_nor_take(books: Books) -> None:
    closed, other = books.account(), books.account(100)
    books.accept(CloseAccount(id=books.id(), account=closed), books.holder(closed))
    for command in (books.pay(other, closed, 1), books.issue(closed, 1), books.pay(closed, other, 1)):
        assert books.refuse("account-closed", command).parameters == {"account": closed}


def test_commands_whose_parts_do_not_go_together_are_refused(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    bread = [Goods(category="bread", amount=10)]
    for command, pointer in (
        (books.pay(payer, payee, 11, goods=bread), "/goods"),
        (books.pay(payer, payee, 9, goods=bread), "/goods"),
        (books.issue(payee, 10, goods=bread), "/goods"),
        (books.pay(payer, payee, 10, purpose="food"), "/purpose"),
        (books.redeem(payer, 10, purpose="food"), "/purpose"),
        (books.issue(payee, 10, purpose="food"), "/purpose"),
        (books.pay(payer, payee, 10, goods=bread, up_to=True), "/up_to"),
        (books.issue(payee, 10, pending_seconds=60), "/pending_seconds"),
        (books.redeem(payer, 10, pending_seconds=60), "/pending_seconds"),
    ):
        refusal = books.refuse("invalid-request", command)
        assert [fault.pointer for fault in refusal.faults] == [pointer]


def test_more_than_can_be_counted_is_neither_issued_nor_held() -> None:
    books = Books("PUMA")
    rich, other = books.account(MAX_AMOUNT), books.account()
    books.refuse("insufficient-balance", books.issue(other, 1))
    books.accept(books.pay(rich, other, MAX_AMOUNT))
    assert books.total(other) == MAX_AMOUNT


# Clauses about issuance and redemption


def test_a_charter_may_forbid_issuance_and_redemption() -> None:
    books = Books("PUMA")
    account = books.account(100)
    books.amend(issuance=IssuanceClause(allowed=False), redemption=RedemptionClause(allowed=False))
    books.refuse("charter-forbids", books.issue(account, 1))
    books.refuse("charter-forbids", books.redeem(account, 1))


def test_a_charter_may_ask_for_a_case_reference() -> None:
    books = Books()
    books.currency(
        issuance=IssuanceClause(case_reference_required=True),
        redemption=RedemptionClause(case_reference_required=True),
    )
    account, other = books.account(), books.account()
    for command in (books.issue(account, 5), books.redeem(account, 5)):
        assert books.refuse("invalid-request", command).faults[0].pointer == "/case_reference"
    books.accept(books.issue(account, 5, case_reference="A-17"))
    books.accept(books.redeem(account, 3, case_reference="A-17"))
    books.accept(books.pay(account, other, 2))


def test_a_charter_says_who_redeems_and_how_much_at_least() -> None:
    books = Books()
    books.currency(redemption=RedemptionClause(kinds=["organisation"], minimum=50))
    person, shop = books.account(100), books.account(100, kind="organisation")
    books.refuse("charter-forbids", books.redeem(person, 50))
    assert books.refuse("below-minimum", books.redeem(shop, 49)).parameters["minimum_amount"] == 50
    books.accept(books.redeem(shop, 50))


def test_who_owes_redeems_only_what_is_more_than_they_owe() -> None:
    books = Books()
    books.currency(limits=rows(credit_limit=100), expiry=ExpiryClause(after_days=60, lot="month"))
    account, shop = books.account(), books.account()
    books.accept(books.pay(account, shop, 50))
    books.accept(books.issue(account, 40))
    assert books.refuse("insufficient-balance", books.redeem(account, 1)).parameters["available_amount"] == 0
    books.accept(books.issue(account, 60))
    assert (
        books.refuse("insufficient-balance", books.redeem(account, 51)).parameters["available_amount"] == 50
    )
    assert transfer(books.accept(books.redeem(account, 100, up_to=True)))["amount"] == 50
    assert books.total(account) == 0


def test_credit_is_paid_with_but_not_redeemed() -> None:
    books = Books()
    books.currency(limits=rows(credit_limit=100))
    account, other = books.account(30), books.account()
    assert (
        books.refuse("insufficient-balance", books.redeem(account, 31)).parameters["available_amount"] == 30
    )
    books.accept(books.redeem(account, 10))
    books.accept(books.pay(account, other, 120))
    assert books.total(account) == -100
    assert (
        books.refuse("insufficient-balance", books.pay(account, other, 1)).parameters["available_amount"] == 0
    )


# Fees


@given(st.integers(1, 1000), st.integers(0, 20), st.integers(1, 10_000), st.sampled_from(["payer", "payee"]))
def test_fees_are_rounded_down_and_never_more_than_the_amount(
    amount: int, fixed: int, points: int, paid_by: str
) -> None:
    points = min(points, 9_999)
    books, till = _with_fee(fixed=fixed, basis_points=points, paid_by=paid_by)
    payer, payee = books.account(5000), books.account()
    fee = min(amount, fixed + amount * points // 10_000)
    record = books.accept(books.pay(payer, payee, amount))
    beside, kept = (fee, 0) if paid_by == "payer" else (0, fee)
    assert books.total(payer) == 5000 - amount - beside
    assert books.total(payee) == amount - kept
    assert books.total(till) == fee
    assert transfer(record).get("kept_back", []) == ([["fee", till, fee]] if fee else [])


def test_only_payments_cost_a_fee_and_its_account_pays_and_takes_without() -> None:
    books, till = _with_fee(fixed=5)
    account = books.account(100)
    books.accept(books.redeem(account, 50))
    assert books.total(till) == 0
    books.accept(books.pay(account, till, 10))
    books.accept(books.pay(till, account, 10))
    assert (books.total(account), books.total(till)) == (50, 0)


def test_a_fee_beside_the_payment_must_be_affordable_too() -> None:
    books, _ = _with_fee(fixed=5, basis_points=100, paid_by="payer")
    payer, payee = books.account(106), books.account()
    refusal = books.refuse("insufficient-balance", books.pay(payer, payee, 101))
    assert refusal.parameters["available_amount"] == 100
    books.accept(books.pay(payer, payee, 100))
    assert books.total(payer) == 0


def test_fees_need_room_and_an_account_that_is_not_frozen() -> None:
    books = Books("PUMA")
    till = books.account(maximum_balance=3)
    books.amend(fee=FeeClause(to=till, fixed=2))
    payer, payee = books.account(100), books.account()
    books.accept(books.pay(payer, payee, 10))
    books.allow(till, "view", who=books.holder(payer))
    refusal = books.refuse("maximum-balance", books.pay(payer, payee, 10))
    assert (refusal.parameters["account"], refusal.parameters["room_amount"]) == (till, 1)
    books.freeze(till)
    assert books.refuse("account-frozen", books.pay(payer, payee, 10)).parameters == {"account": till}


# Penalties for redeeming early


def _with_penalties(lot: str = "day") -> tuple[Books, str]:
    books = Books("PUMA")
    chest = books.account()
    penalties = [Penalty(under_days=10, basis_points=1000), Penalty(under_days=30, basis_points=333)]
    books.amend(redemption=RedemptionClause(penalties=penalties, penalty_to=chest, lot=lot))  # type: ignore[arg-type]
    return books, chest


def test_a_penalty_goes_by_how_long_units_were_held_and_is_rounded_down_once() -> None:
    books, chest = _with_penalties()
    shop = books.account(55)
    books.later(9 * DAY)
    books.accept(books.issue(shop, 57))
    assert books.held(shop) == {"||2026-11-23|": 55, "||2026-12-02|": 57}
    books.later(DAY)
    # What was held longest is redeemed first: 55 at 3.33 % and 15 at 10 % are 3.3315.
    record = books.accept(books.redeem(shop, 70))
    assert transfer(record)["kept_back"] == [["penalty", chest, 3]]
    assert transfer(record)["drawn"] == [["||2026-11-23|", 55], ["||2026-12-02|", 15]]
    assert (books.redeemed(), books.total(chest), books.total(shop)) == (67, 3, 42)


def test_units_held_long_enough_cost_nothing_and_are_told_apart_no_more() -> None:
    books, chest = _with_penalties()
    shop = books.account(50)
    books.later(30 * DAY)
    assert books.held(shop) == {"": 50}
    books.accept(books.redeem(shop, 50))
    assert (books.redeemed(), books.total(chest)) == (50, 0)


def test_lots_count_from_their_first_day() -> None:
    books, _ = _with_penalties("week")
    books.at("2026-11-29T23:59")
    shop = books.account(50)
    assert books.held(shop) == {"||2026-11-23|": 50}


def test_paid_on_units_begin_their_time_anew() -> None:
    books, _ = _with_penalties()
    payer, payee = books.account(50), books.account()
    books.later(5 * DAY)
    books.accept(books.pay(payer, payee, 20))
    assert books.held(payee) == {"||2026-11-28|": 20}


def test_who_gets_the_penalties_pays_none() -> None:
    books, chest = _with_penalties()
    books.accept(books.issue(chest, 100))
    books.accept(books.redeem(chest, 100))
    assert (books.redeemed(), books.total(chest)) == (100, 0)


@pytest.mark.parametrize(
    ("us", "freed"), [(DAY // 24, False), (DAY, True)], ids=["a part of a day", "midnight"]
)
def test_penalties_that_end_for_a_while_free_what_is_held_at_the_end_of_a_day(us: int, freed: bool) -> None:
    books, chest = _with_penalties()
    looked_at, left_alone, payee = books.account(50), books.account(50), books.account()
    books.amend(redemption=RedemptionClause())
    books.later(us)
    books.accept(books.pay(looked_at, payee, 1))
    penalties = [Penalty(under_days=10, basis_points=1000)]
    books.amend(redemption=RedemptionClause(penalties=penalties, penalty_to=chest, lot="day"))
    bucket = "" if freed else "||2026-11-23|"
    assert (books.held(looked_at), books.held(left_alone)) == ({bucket: 49}, {bucket: 50})


# Units that lapse


def test_units_are_spent_through_their_last_day_and_end_with_it() -> None:
    books = Books()
    books.currency(expiry=ExpiryClause(after_days=30, lot="month"))
    payer, payee = books.account(100), books.account()
    assert books.held(payer) == {"2026-12-30|||": 100}
    books.at("2026-12-30T23:59")
    books.accept(books.pay(payer, payee, 40))
    assert books.held(payee) == {"": 40}
    books.at("2026-12-31")
    assert books.held(payer) == {}
    refusal = books.refuse("insufficient-balance", books.pay(payer, payee, 1))
    assert refusal.parameters["available_amount"] == 0
    record = books.accept(books.pay(payee, payer, 15))
    assert record.payload["settled"] == {"expired": [[payer, "2026-12-30|||", 60]]}
    assert (books.redeemed(), books.held(payer)) == (60, {"": 15})


def test_units_that_carry_their_day_lapse_wherever_they_are_and_go_first() -> None:
    books = Books()
    books.currency(expiry=ExpiryClause(after_days=30, lot="month", carries=True))
    first, second, third = books.account(100), books.account(), books.account()
    books.at("2026-12-05")
    books.accept(books.issue(second, 50))
    books.accept(books.pay(first, second, 30))
    assert books.held(second) == {"2026-12-30|||": 30, "2027-01-30|||": 50}
    books.accept(books.pay(second, third, 40))
    assert books.held(third) == {"2026-12-30|||": 30, "2027-01-30|||": 10}
    books.at("2027-01-31")
    assert [books.total(each) for each in (first, second, third)] == [0, 0, 0]


# Up to so much


def test_up_to_moves_all_of_it_or_what_there_is(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    record = books.accept(books.pay(payer, payee, 60, up_to=True))
    assert (transfer(record)["amount"], transfer(record).get("asked")) == (60, None)
    record = books.accept(books.pay(payer, payee, 60, up_to=True))
    assert (transfer(record)["amount"], transfer(record)["asked"]) == (40, 60)
    books.refuse("insufficient-balance", books.pay(payer, payee, 60, up_to=True))


@given(
    *(st.integers(0, 60), st.integers(0, 60), st.integers(1, 60)),
    *(st.integers(0, 7), st.integers(1, 9_999), st.sampled_from(["payer", "payee"])),
)
def test_up_to_moves_the_most_that_would_be_accepted(
    balance: int, room: int, amount: int, fixed: int, points: int, paid_by: str
) -> None:
    books, _till = _with_fee(fixed=fixed, basis_points=points, paid_by=paid_by)
    payer, payee = books.account(balance), books.account(maximum_balance=room)
    command = books.pay(payer, payee, amount, up_to=True)

    def costs(tried: int) -> tuple[int, int]:
        fee = min(tried, fixed + tried * points // 10_000)
        return (tried + fee, tried) if paid_by == "payer" else (tried, tried - fee)

    affordable = [tried for tried in range(1, amount + 1) if costs(tried)[0] <= balance]
    fitting = [tried for tried in affordable if costs(tried)[1] <= room]
    if not affordable:
        books.refuse("insufficient-balance", command)
    elif not fitting or (fitting[-1] < affordable[-1] and not costs(fitting[-1])[1]):
        books.refuse("maximum-balance", command)
    else:
        assert transfer(books.accept(command))["amount"] == fitting[-1]
        assert books.total(payer) == balance - costs(fitting[-1])[0]


def test_up_to_heeds_spending_limits_and_their_remainder() -> None:
    books = Books()
    books.currency(limits=rows(per_transfer=30, per_day=50))
    payer, payee = books.account(1000), books.account()
    amounts = [transfer(books.accept(books.pay(payer, payee, 100, up_to=True)))["amount"] for _ in range(2)]
    assert amounts == [30, 20]
    refusal = books.refuse("spending-limit", books.pay(payer, payee, 100, up_to=True))
    assert refusal.parameters["left_amount"] == 0


def test_up_to_issues_and_redeems_as_much_as_can_be(books: Books) -> None:
    account = books.account(maximum_balance=70)
    assert transfer(books.accept(books.issue(account, 100, up_to=True)))["amount"] == 70
    assert transfer(books.accept(books.redeem(account, 100, up_to=True)))["amount"] == 70


def test_up_to_reserves_what_can_be_paid_whether_it_finds_room_is_seen_later(books: Books) -> None:
    payer, payee = books.account(50), books.account(maximum_balance=10)
    record = books.accept(books.reserve(payer, payee, 80, up_to=True))
    assert (transfer(record)["amount"], transfer(record)["asked"]) == (50, 80)


def test_importers_move_what_they_must(books: Books) -> None:
    payer, payee = books.account(50), books.account()
    books.accept(books.pay(payer, payee, 10), principal("tools", IMPORTER))
    books.refuse("not-permitted", books.pay(payer, payee, 10), OPERATOR_PRINCIPAL)
