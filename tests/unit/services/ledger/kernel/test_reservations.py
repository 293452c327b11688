"""Pending transfers: reserving, posting in full or in part, voiding, and lapsing by themselves."""

from typing import Any

import pytest

from shared.contracts import ids
from shared.contracts.charters import ExpiryClause, FeeClause, PurposeClause
from shared.contracts.commands import (
    MAX_OPEN_RESERVATIONS,
    ChangeLimits,
    CloseAccount,
    PostPending,
    Transfer,
    VoidPending,
)
from tests.support.ledger import OPERATOR_PRINCIPAL, member
from tests.unit.services.ledger.kernel.books import DAY, SECOND, Books, rows, transfer

FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


@pytest.fixture
def books() -> Books:
    return Books("PUMA")


def post(books: Books, pending: str, amount: int | None = None) -> PostPending:
    return PostPending(id=books.id(), pending=pending, amount=amount)


def void(books: Books, pending: str) -> VoidPending:
    return VoidPending(id=books.id(), pending=pending)


def _reserved(books: Books, payer: str, payee: str, amount: int, **more: Any) -> str:
    command: Transfer = books.reserve(payer, payee, amount, **more)
    books.accept(command)
    return command.id


def test_what_is_reserved_stays_in_the_account_and_cannot_be_spent(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    command = books.reserve(payer, payee, 60, 90, memo="bike")
    record = books.accept(command)
    assert record.type == "transfer.reserved"
    assert transfer(record)["lapses_at"] == books.now + 90 * SECOND
    assert books.held(payer) == {"": 40, f"|||{command.id}": 60}
    assert (books.total(payer), books.total(payee)) == (100, 0)
    for spending in (books.pay(payer, payee, 41), books.redeem(payer, 41), books.reserve(payer, payee, 41)):
        assert books.refuse("insufficient-balance", spending).parameters["available_amount"] == 40
    thing = books.thing("pending", command.id)
    assert (thing["status"], thing["amount"]) == ("pending", 60)


def test_posting_moves_it_and_says_of_what(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 60)
    command = post(books, pending)
    record = books.accept(command, books.holder(payee))
    assert record.type == "transfer.posted"
    assert transfer(record) == {
        "amount": 60,
        "currency": "PUMA",
        "id": command.id,
        "kind": "payment",
        "payee": payee,
        "payer": payer,
        "pending": pending,
    }
    assert (books.held(payer), books.held(payee)) == ({"": 40}, {"": 60})
    thing = books.thing("pending", pending)
    assert (thing["status"], thing["posted"], thing["transfer"]) == ("posted", 60, command.id)


def test_posting_a_part_sets_the_rest_free_and_ends_it(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 60)
    books.accept(post(books, pending, 25), books.holder(payee))
    assert (books.held(payer), books.held(payee)) == ({"": 75}, {"": 25})
    for again in (post(books, pending, 35), post(books, pending), void(books, pending)):
        assert books.refuse("not-pending", again).parameters == {"transfer": pending, "status": "posted"}


def test_voiding_sets_it_free(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 60)
    record = books.accept(void(books, pending), books.holder(payee))
    assert (record.type, record.payload["pending"]) == ("transfer.voided", pending)
    assert (books.held(payer), books.held(payee)) == ({"": 100}, {})
    for again in (post(books, pending), void(books, pending)):
        assert books.refuse("not-pending", again).parameters["status"] == "voided"


def test_it_lapses_at_its_time_whether_anybody_has_booked_that_or_not(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 60, seconds=60)
    books.later(60 * SECOND - 1)
    books.refuse("insufficient-balance", books.pay(payer, payee, 41))
    books.later(1)
    assert books.held(payer) == {"": 100}
    for late in (post(books, pending), void(books, pending)):
        assert books.refuse("not-pending", late).parameters["status"] == "lapsed"
    record = books.accept(books.pay(payer, payee, 100))
    assert record.payload["settled"] == {"lapsed": [pending]}
    assert books.thing("pending", pending)["status"] == "lapsed"
    assert books.refuse("not-pending", void(books, pending)).parameters["status"] == "lapsed"


def test_the_payees_side_decides_on_it(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    till, clerk = books.allow(payee, "receive"), books.allow(payee, "pay")
    pending = _reserved(books, payer, payee, 10)
    for stranger in (books.holder(payer), clerk, member(ids.new_id())):
        books.refuse("not-permitted", post(books, pending), stranger)
        books.refuse("not-permitted", void(books, pending), stranger)
    books.accept(post(books, pending), till)
    for decider in (books.holder(payee), OPERATOR_PRINCIPAL):
        books.accept(void(books, _reserved(books, payer, payee, 10)), decider)


def test_what_was_never_reserved_cannot_be_posted(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    paid = books.pay(payer, payee, 10)
    books.accept(paid)
    for id in (ids.new_id(), paid.id):
        books.refuse("unknown-transfer", post(books, id))
        books.refuse("unknown-transfer", void(books, id))


def test_no_more_is_posted_than_was_reserved(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 60)
    refusal = books.refuse("more-than-reserved", post(books, pending, 61))
    assert (refusal.parameters["reserved_amount"], refusal.parameters["amount_minor"]) == (60, 61)
    books.accept(post(books, pending, 60))


def test_whether_the_payee_has_room_is_seen_when_it_is_posted(books: Books) -> None:
    payer, payee = books.account(100), books.account(maximum_balance=50)
    pending = _reserved(books, payer, payee, 60)
    assert books.refuse("maximum-balance", post(books, pending)).parameters["room_amount"] == 50
    books.accept(post(books, pending, 50))


def test_frozen_accounts_void_but_do_not_post(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending, other = _reserved(books, payer, payee, 10), _reserved(books, payer, payee, 20)
    books.freeze(payer, "out")
    assert books.refuse("account-frozen", post(books, pending)).parameters == {"account": payer}
    books.accept(void(books, pending))
    books.unfreeze(payer)
    books.freeze(payee)
    assert books.refuse("account-frozen", post(books, other)).parameters == {"account": payee}
    books.accept(void(books, other))
    assert books.held(payer) == {"": 100}


def test_what_is_reserved_for_an_account_that_was_closed_can_be_voided(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 10)
    books.refuse("reservations-open", CloseAccount(id=books.id(), account=payer), books.holder(payer))
    books.accept(CloseAccount(id=books.id(), account=payee), books.holder(payee))
    books.refuse("account-closed", post(books, pending))
    books.accept(void(books, pending), books.holder(payee))


def test_an_account_has_so_many_reservations_at_a_time(books: Books) -> None:
    payer, payee = books.account(1000), books.account()
    pending = [_reserved(books, payer, payee, 1) for _ in range(MAX_OPEN_RESERVATIONS)]
    books.refuse("too-many-reservations", books.reserve(payer, payee, 1))
    books.accept(void(books, pending[0]))
    _reserved(books, payer, payee, 1)
    books.later(3601 * SECOND)
    _reserved(books, payer, payee, 1)


def test_credit_can_be_reserved_and_stays_spoken_for_when_limits_fall() -> None:
    books = Books()
    books.currency(limits=rows(credit_limit=100))
    payer, payee = books.account(20), books.account()
    pending = _reserved(books, payer, payee, 120)
    assert books.held(payer) == {"": -100, f"|||{pending}": 120}
    books.accept(ChangeLimits(id=books.id(), account=payer, credit_limit=0))
    books.accept(post(books, pending, 70))
    assert books.held(payer) == {"": -50}
    books.refuse("insufficient-balance", books.pay(payer, payee, 1))


def test_purposes_are_seen_when_it_is_reserved_and_units_go_back_to_where_they_came_from() -> None:
    books = Books()
    books.currency(purposes=[FOOD])
    payer, grocer = books.account(10), books.account(category="grocer")
    books.accept(books.issue(payer, 50, purpose="food"))
    pending = _reserved(books, payer, grocer, 55)
    assert books.held(payer) == {"": 5, f"|||{pending}": 5, f"|food||{pending}": 50}
    record = books.accept(post(books, pending, 40), books.holder(grocer))
    assert transfer(record)["drawn"] == [["|food||", 40]]
    assert (books.held(payer), books.held(grocer)) == ({"": 10, "|food||": 10}, {"": 40})


# Fees


def test_a_fee_is_reserved_too_and_the_part_posted_costs_its_own() -> None:
    books = Books("PUMA")
    till = books.account()
    books.amend(fee=FeeClause(to=till, fixed=1, basis_points=1000, paid_by="payer"))
    payer, payee = books.account(100), books.account()
    books.refuse("insufficient-balance", books.reserve(payer, payee, 91))
    pending = _reserved(books, payer, payee, 90)
    assert books.held(payer) == {f"|||{pending}": 100}
    record = books.accept(post(books, pending, 29))
    assert transfer(record)["kept_back"] == [["fee", till, 3]]
    assert [books.total(each) for each in (payer, payee, till)] == [68, 29, 3]
    assert books.held(payer) == {"": 68}


def test_a_fee_that_the_payee_pays_comes_out_of_what_is_posted() -> None:
    books = Books("PUMA")
    till = books.account()
    books.amend(fee=FeeClause(to=till, basis_points=1000))
    payer, payee = books.account(100), books.account()
    pending = _reserved(books, payer, payee, 90)
    books.accept(post(books, pending, 29))
    assert [books.total(each) for each in (payer, payee, till)] == [71, 27, 2]


@pytest.mark.parametrize("before", ["payer", "payee"])
@pytest.mark.parametrize("after", ["payer", "payee"])
def test_a_fee_that_changes_meanwhile_is_the_new_one_but_not_more_than_was_held(
    before: str, after: str
) -> None:
    books = Books("PUMA")
    till, other = books.account(), books.account()
    books.amend(fee=FeeClause(to=till, fixed=5, paid_by=before))  # type: ignore[arg-type]
    payer, payee = books.account(105), books.account()
    pending = [_reserved(books, payer, payee, 20) for _ in range(3)]
    for fixed, fee in ((9, 5), (2, 2)):
        books.amend(fee=FeeClause(to=other, fixed=fixed, paid_by=after))  # type: ignore[arg-type]
        had = books.total(other)
        books.accept(post(books, pending.pop()))
        assert books.total(other) - had == fee
    books.amend()
    books.accept(post(books, pending.pop()))
    spent = 60 + (7 if before == "payer" else 0)
    assert (books.total(payer), books.total(till)) == (105 - spent, 0)
    assert books.held(payer) == {"": 105 - spent}


def test_no_fee_is_taken_where_its_account_has_become_the_payee() -> None:
    books = Books("PUMA")
    till, payer, payee = books.account(), books.account(100), books.account()
    books.amend(fee=FeeClause(to=till, fixed=5, paid_by="payer"))
    pending = _reserved(books, payer, payee, 20)
    books.amend(fee=FeeClause(to=payee, fixed=5, paid_by="payer"))
    books.accept(post(books, pending))
    assert (books.held(payer), books.total(payee)) == ({"": 80}, 20)


# Units that lapse while they are reserved


def _expiring(*, carries: bool = False) -> tuple[Books, str, str, str]:
    """Units that lapse with the 30th of December, reserved for longer than that."""
    books = Books()
    books.currency(expiry=ExpiryClause(after_days=30, lot="month", carries=carries))
    payer, payee = books.account(100), books.account()
    books.at("2026-12-20")
    pending = _reserved(books, payer, payee, 60, seconds=20 * 24 * 3600)
    books.at("2027-01-02")
    assert books.held(payer) == {f"2026-12-30|||{pending}": 60}
    return books, payer, payee, pending


def test_units_reserved_in_time_are_paid_after_their_last_day_and_the_rest_ends() -> None:
    books, payer, payee, pending = _expiring()
    record = books.accept(post(books, pending, 25))
    expired = [[payer, "2026-12-30|||", 40], [payer, "2026-12-30|||", 35]]
    assert record.payload["settled"] == {"expired": expired}
    assert (books.held(payer), books.held(payee), books.redeemed()) == ({}, {"": 25}, 75)


def test_units_set_free_after_their_last_day_end_at_once() -> None:
    books, payer, _, pending = _expiring()
    books.accept(void(books, pending))
    assert books.found(payer).buckets == {}
    assert books.redeemed() == 100


def test_units_of_a_reservation_that_lapses_after_their_last_day_end_with_it() -> None:
    books, payer, _payee, pending = _expiring()
    books.later(20 * DAY)
    assert books.held(payer) == {}
    record = books.accept(books.issue(payer, 5))
    assert record.payload["settled"]["lapsed"] == [pending]
    assert books.redeemed() == 100


def test_a_day_that_is_carried_ends_units_that_are_posted_after_it() -> None:
    books, payer, payee, pending = _expiring(carries=True)
    record = books.accept(post(books, pending))
    assert transfer(record)["amount"] == 60
    assert record.payload["settled"]["expired"][-1] == [payee, "2026-12-30|||", 60]
    assert (books.held(payer), books.held(payee), books.redeemed()) == ({}, {}, 100)
