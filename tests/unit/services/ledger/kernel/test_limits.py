"""What may leave an account: each transfer, each day, each month; and warnings."""

import pytest

from shared.contracts.charters import FeeClause, Penalty, RedemptionClause
from shared.contracts.commands import ChangeLimits, PostPending, VoidPending
from tests.unit.services.ledger.kernel.books import SECOND, Books, rows, transfer


def _books(**limits: int) -> tuple[Books, str, str]:
    books = Books()
    books.currency(limits=rows(**limits))
    return books, books.account(1000), books.account()


def test_each_transfer() -> None:
    books, payer, payee = _books(per_transfer=50)
    refusal = books.refuse("spending-limit", books.pay(payer, payee, 51))
    assert refusal.parameters == {
        "period": "per_transfer",
        "limit": "0.50 PUMA",
        "limit_amount": 50,
        "left": "0.50 PUMA",
        "left_amount": 50,
        "amount": "0.51 PUMA",
        "amount_minor": 51,
        "currency": "PUMA",
    }
    for _ in range(3):
        books.accept(books.pay(payer, payee, 50))


@pytest.mark.parametrize(
    ("period", "last", "first"),
    [
        ("per_day", "2026-11-24T23:59", "2026-11-25"),
        ("per_month", "2026-11-30T23:59", "2026-12-01"),
    ],
)
def test_each_day_and_month_in_utc(period: str, last: str, first: str) -> None:
    books, payer, payee = _books(**{period: 50})
    books.at("2026-11-24")
    books.accept(books.pay(payer, payee, 30))
    books.at(last)
    refusal = books.refuse("spending-limit", books.pay(payer, payee, 21))
    assert (refusal.parameters["period"], refusal.parameters["left_amount"]) == (period, 20)
    books.accept(books.pay(payer, payee, 20))
    books.at(first)
    books.accept(books.pay(payer, payee, 50))


def test_days_and_months_count_side_by_side() -> None:
    books, payer, payee = _books(per_day=30, per_month=50)
    books.accept(books.pay(payer, payee, 30))
    books.at("2026-11-24")
    refusal = books.refuse("spending-limit", books.pay(payer, payee, 21))
    assert (refusal.parameters["period"], refusal.parameters["left_amount"]) == ("per_month", 20)
    books.accept(books.pay(payer, payee, 20))
    books.at("2026-12-01")
    books.accept(books.pay(payer, payee, 30))


def test_reservations_and_redemptions_count_when_they_are_decided_and_give_nothing_back() -> None:
    books, payer, payee = _books(per_day=50)
    pending = books.reserve(payer, payee, 20)
    books.accept(pending)
    books.accept(books.redeem(payer, 10))
    refusal = books.refuse("spending-limit", books.pay(payer, payee, 21))
    assert refusal.parameters["left_amount"] == 20
    books.accept(VoidPending(id=books.id(), pending=pending.id))
    books.refuse("spending-limit", books.redeem(payer, 21))
    other = books.reserve(payer, payee, 20)
    books.accept(other)
    books.accept(PostPending(id=books.id(), pending=other.id))
    books.refuse("spending-limit", books.reserve(payer, payee, 1))


def test_what_comes_in_counts_for_nothing() -> None:
    books, payer, payee = _books(per_transfer=10, per_day=10)
    books.accept(books.issue(payer, 500))
    books.accept(books.pay(payer, payee, 10))
    books.accept(books.pay(payee, payer, 10))


def test_a_fee_beside_the_payment_leaves_the_account_as_well() -> None:
    books = Books("PUMA")
    till = books.account()
    books.amend(limits=rows(per_transfer=50), fee=FeeClause(to=till, fixed=5, paid_by="payer"))
    payer, payee = books.account(1000), books.account()
    assert books.refuse("spending-limit", books.pay(payer, payee, 46)).parameters["amount_minor"] == 51
    books.accept(books.pay(payer, payee, 45))
    assert transfer(books.accept(books.pay(payer, payee, 999, up_to=True)))["amount"] == 45


def test_a_limit_that_leaves_nothing_is_told_before_a_minimum() -> None:
    """Something that can be redeemed is too little; nothing at all is the limit's doing."""
    books = Books()
    books.currency(limits=rows(per_day=90), redemption=RedemptionClause(minimum=50))
    account, payee = books.account(1000), books.account()
    books.accept(books.pay(account, payee, 60))
    books.refuse("below-minimum", books.redeem(account, 80, up_to=True))
    books.accept(books.pay(account, payee, 30))
    books.refuse("spending-limit", books.redeem(account, 80, up_to=True))


def test_an_accounts_own_limits_go_before_the_charters() -> None:
    books, payer, payee = _books(per_day=50, per_transfer=20)
    books.accept(ChangeLimits(id=books.id(), account=payer, per_day=70, per_transfer=60))
    books.accept(books.pay(payer, payee, 60))
    assert books.refuse("spending-limit", books.pay(payer, payee, 11)).parameters["left_amount"] == 10
    books.accept(ChangeLimits(id=books.id(), account=payer, per_day=None))
    assert books.refuse("spending-limit", books.pay(payer, payee, 1)).parameters["left_amount"] == 0


def test_limits_of_its_own_where_the_charter_has_none() -> None:
    books, payer, payee = _books()
    books.accept(books.pay(payer, payee, 500))
    books.accept(ChangeLimits(id=books.id(), account=payer, per_month=50))
    # Counting begins when there is something to count for.
    books.accept(books.pay(payer, payee, 50))
    books.refuse("spending-limit", books.pay(payer, payee, 1))


def test_soft_limits_warn_and_let_pass() -> None:
    books, payer, payee = _books(soft_per_day=50, soft_per_month=80)
    assert "warnings" not in books.accept(books.pay(payer, payee, 50)).payload
    assert books.accept(books.pay(payer, payee, 1)).payload["warnings"] == ["soft-per-day"]
    books.at("2026-11-24")
    assert books.accept(books.pay(payer, payee, 30)).payload["warnings"] == ["soft-per-month"]
    both = ["soft-per-day", "soft-per-month"]
    assert books.accept(books.pay(payer, payee, 21)).payload["warnings"] == both


def test_the_payment_that_goes_beyond_the_soft_limit_of_credit_warns() -> None:
    books, payer, payee = _books(credit_limit=100, soft_credit_limit=20)
    assert "warnings" not in books.accept(books.pay(payer, payee, 1020)).payload
    assert books.accept(books.pay(payer, payee, 1)).payload["warnings"] == ["soft-credit-limit"]
    assert books.accept(books.reserve(payer, payee, 1)).payload["warnings"] == ["soft-credit-limit"]
    books.later(3600 * SECOND)
    books.accept(books.issue(payer, 500))
    assert "warnings" not in books.accept(books.pay(payer, payee, 10)).payload


def _with_minimum_and_penalty(basis_points: int) -> tuple[Books, str]:
    """Books in which at least 50 are redeemed, and the account that gets the penalty of new units."""
    books = Books()
    books.currency()
    chest = books.account()
    penalties = [Penalty(under_days=9, basis_points=basis_points)]
    books.amend(redemption=RedemptionClause(minimum=50, penalties=penalties, penalty_to=chest, lot="day"))
    return books, chest


def test_a_share_that_cannot_be_taken_is_told_before_a_minimum() -> None:
    """However much were redeemed, a penalty would be due to an account that takes nothing."""
    books, chest = _with_minimum_and_penalty(basis_points=5_000)
    account = books.account(10)
    books.refuse("below-minimum", books.redeem(account, 80, up_to=True))
    books.freeze(chest)
    books.refuse("account-frozen", books.redeem(account, 80, up_to=True))


def test_a_minimum_holds_where_a_penalty_takes_everything() -> None:
    books, chest = _with_minimum_and_penalty(basis_points=10_000)
    account = books.account(20)
    books.refuse("below-minimum", books.redeem(account, 20))
    books.refuse("below-minimum", books.redeem(account, 100, up_to=True))
    books.accept(books.issue(account, 30))
    books.accept(books.redeem(account, 100, up_to=True))
    assert books.total(chest) == 50
