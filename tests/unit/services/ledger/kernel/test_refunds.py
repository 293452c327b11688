"""Giving payments back: refunds by the payee, reversals that both parties agree to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import ids
from shared.contracts.charters import ExpiryClause, FeeClause, Penalty, PurposeClause, RedemptionClause
from shared.contracts.commands import (
    Approve,
    CloseAccount,
    LinkedTransfers,
    PostPending,
    Refund,
    Reject,
    Reverse,
    Transfer,
)
from tests.support.ledger import OPERATOR_PRINCIPAL, member
from tests.unit.services.ledger.kernel.books import DAY, SECOND_OPERATOR, Books, leg, rows, transfer

FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])
CARE = PurposeClause(code="care", names={"en": "Care"}, categories=["nurse"], carries=True)


@pytest.fixture
def books() -> Books:
    return Books("PUMA")


def refund(books: Books, of: str, amount: int | None = None) -> Refund:
    return Refund(id=books.id(), transfer=of, amount=amount)


def test_operators_refund_nothing_to_themselves(books: Books) -> None:
    own, shop = books.account(100, holder=OPERATOR_PRINCIPAL.subject), books.account()
    paid = _paid(books, own, shop, 80)
    books.refuse("not-permitted", refund(books, paid), OPERATOR_PRINCIPAL)
    books.accept(refund(books, paid), SECOND_OPERATOR)


def _paid(books: Books, payer: str, payee: str, amount: int, **more: Any) -> str:
    command: Transfer = books.pay(payer, payee, amount, **more)
    books.accept(command)
    return command.id


def test_a_payment_goes_back_in_parts_and_never_more_than_was_paid(books: Books) -> None:
    payer, payee = books.account(100), books.account(500)
    paid = _paid(books, payer, payee, 80)
    command = Refund(id=books.id(), transfer=paid, amount=30, memo="too ripe")
    record = books.accept(command, books.holder(payee))
    assert record.type == "transfer.posted"
    fields = dict(transfer(record))
    assert fields.pop("note")
    assert fields == {
        "amount": 30,
        "currency": "PUMA",
        "id": command.id,
        "kind": "refund",
        "payee": payer,
        "payer": payee,
        "of": paid,
    }
    refusal = books.refuse("more-than-paid", refund(books, paid, 51))
    assert (refusal.parameters["left_amount"], refusal.parameters["amount_minor"]) == (50, 51)
    assert transfer(books.accept(refund(books, paid)))["amount"] == 50
    assert (books.total(payer), books.total(payee)) == (100, 500)
    for again in (refund(books, paid), refund(books, paid, 1)):
        assert books.refuse("more-than-paid", again).parameters["left_amount"] == 0


def test_the_payees_side_refunds(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    till, clerk = books.allow(payee, "receive"), books.allow(payee, "pay")
    paid = _paid(books, payer, payee, 30)
    for stranger in (books.holder(payer), clerk, member(ids.new_id())):
        books.refuse("not-permitted", refund(books, paid, 1), stranger)
    for allowed in (books.holder(payee), till, OPERATOR_PRINCIPAL):
        books.accept(refund(books, paid, 10), allowed)


def test_payments_of_every_sort_can_be_refunded_and_nothing_else_can(books: Books) -> None:
    payer, payee = books.account(), books.account()
    issuance = books.issue(payer, 100)
    books.accept(issuance)
    reservation = books.reserve(payer, payee, 20)
    books.accept(reservation)
    books.refuse("unknown-transfer", refund(books, reservation.id))
    posting = PostPending(id=books.id(), pending=reservation.id, amount=15)
    books.accept(posting)
    linked = LinkedTransfers(id=books.id(), legs=[leg(payer, payee, 10), leg(payer, payee, 5)])
    legs = [each["id"] for each in books.accept(linked, books.holder(payer)).payload["transfers"]]
    redemption = books.redeem(payer, 10)
    books.accept(redemption)
    back = refund(books, posting.id)
    books.accept(back)
    for id in (issuance.id, reservation.id, linked.id, redemption.id, back.id, payer, ids.new_id()):
        assert books.refuse("unknown-transfer", refund(books, id)).parameters == {"transfer": id}
    for id, amount in ((legs[1], 5), (legs[0], 10)):
        assert transfer(books.accept(refund(books, id)))["amount"] == amount
        assert books.refuse("more-than-paid", refund(books, id))
    assert (books.total(payer), books.total(payee)) == (90, 0)


def test_a_leg_of_an_issuance_cannot_be_refunded(books: Books) -> None:
    account, other = books.account(), books.account()
    linked = LinkedTransfers(
        id=books.id(), legs=[leg(None, account, 10, kind="issuance"), leg(None, other, 1, kind="issuance")]
    )
    legs = [each["id"] for each in books.accept(linked, OPERATOR_PRINCIPAL).payload["transfers"]]
    books.refuse("unknown-transfer", refund(books, legs[0]))


def test_limits_of_both_hold_and_none_for_spending_counts() -> None:
    books = Books()
    books.currency(limits=rows(per_day=50, credit_limit=5))
    payer, payee = books.account(40, maximum_balance=40), books.account()
    paid = _paid(books, payer, payee, 40)
    books.accept(books.pay(payee, books.account(), 20))
    assert books.refuse("insufficient-balance", refund(books, paid)).parameters["available_amount"] == 25
    books.accept(books.issue(payer, 20))
    assert books.refuse("maximum-balance", refund(books, paid, 21)).parameters["room_amount"] == 20
    books.accept(refund(books, paid, 20))
    # Refunding has cost the payee nothing of its 50 a day, and gave the payer nothing back of its own.
    assert books.refuse("spending-limit", books.pay(payer, payee, 11)).parameters["left_amount"] == 10
    books.accept(books.issue(payee, 40))
    assert books.refuse("spending-limit", books.pay(payee, payer, 31)).parameters["left_amount"] == 30


def test_frozen_and_closed_accounts_give_nothing_back(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    paid = _paid(books, payer, payee, 10)
    books.freeze(payee, "out")
    assert books.refuse("account-frozen", refund(books, paid)).parameters == {"account": payee}
    books.unfreeze(payee)
    books.freeze(payer)
    assert books.refuse("account-frozen", refund(books, paid)).parameters == {"account": payer}
    books.unfreeze(payer)
    books.freeze(payer, "out")
    books.accept(refund(books, paid, 1))
    books.unfreeze(payer)
    heir = books.account()
    books.accept(CloseAccount(id=books.id(), account=payer, remainder_to=heir), books.holder(payer))
    assert books.refuse("account-closed", refund(books, paid)).parameters == {"account": payer}


@pytest.mark.parametrize("paid_by", ["payer", "payee"])
def test_a_fee_is_not_given_back_and_none_is_taken(paid_by: str) -> None:
    books = Books("PUMA")
    till = books.account()
    books.amend(fee=FeeClause(to=till, fixed=5, paid_by=paid_by))  # type: ignore[arg-type]
    payer, payee = books.account(105), books.account(50)
    paid = _paid(books, payer, payee, 100)
    books.accept(refund(books, paid))
    assert (books.total(payer) + books.total(payee), books.total(till)) == (150, 5)
    assert books.total(payer) == (100 if paid_by == "payer" else 105)


# Units that are told apart


def test_units_go_back_to_where_they_came_from_those_drawn_last_first() -> None:
    books = Books()
    books.currency(purposes=[FOOD])
    payer, grocer = books.account(30), books.account(category="grocer")
    books.accept(books.issue(payer, 50, purpose="food"))
    paid = _paid(books, payer, grocer, 70)
    assert books.held(payer) == {"": 10}
    books.accept(refund(books, paid, 15))
    assert books.held(payer) == {"": 25}
    books.accept(refund(books, paid, 15))
    assert books.held(payer) == {"": 30, "|food||": 10}
    books.accept(refund(books, paid))
    assert (books.held(payer), books.held(grocer)) == ({"": 30, "|food||": 50}, {})


@given(
    st.lists(st.tuples(st.sampled_from(["", "food", "care"]), st.integers(1, 9)), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_refunding_all_of_a_payment_undoes_it_in_whatever_parts(
    issued: list[tuple[str, int]], parts: list[int], fee: int
) -> None:
    books = Books()
    books.currency(purposes=[FOOD, PurposeClause(code="care", names={"en": "Care"}, categories=["grocer"])])
    till, payer, grocer = books.account(), books.account(fee), books.account(category="grocer")
    if fee:
        books.amend(
            purposes=[FOOD, PurposeClause(code="care", names={"en": "Care"}, categories=["grocer"])],
            fee=FeeClause(to=till, fixed=fee, paid_by="payer"),
        )
    for purpose, amount in issued:
        books.accept(books.issue(payer, amount, purpose=purpose or None))
    before = books.held(payer)
    total = sum(amount for _, amount in issued)
    paid = _paid(books, payer, grocer, total)
    kept = books.total(till)
    for part in parts:
        if part <= total:
            books.accept(refund(books, paid, part))
            total -= part
    if total:
        books.accept(refund(books, paid))
    if kept:
        books.accept(books.issue(payer, kept))
    assert (books.held(payer), books.held(grocer)) == (before, {})


def test_when_units_were_received_stays_so_that_waiting_was_not_in_vain() -> None:
    books = Books("PUMA")
    chest = books.account()
    penalties = [Penalty(under_days=10, basis_points=1000)]
    books.amend(redemption=RedemptionClause(penalties=penalties, penalty_to=chest))
    payer, payee = books.account(100), books.account()
    books.later(6 * DAY)
    paid = _paid(books, payer, payee, 60)
    books.later(DAY)
    books.accept(refund(books, paid))
    assert books.held(payer) == {"||2026-11-23|": 100}


def test_units_given_back_after_their_last_day_end_at_once() -> None:
    books = Books()
    books.currency(expiry=ExpiryClause(after_days=30, lot="month"))
    payer, payee = books.account(100), books.account()
    paid = _paid(books, payer, payee, 60)
    books.at("2026-12-30")
    books.accept(refund(books, paid, 10))
    assert books.held(payer) == {"2026-12-30|||": 50}
    books.at("2026-12-31")
    books.accept(refund(books, paid))
    assert books.found(payer).buckets == {}
    assert (books.total(payee), books.redeemed()) == (0, 100)


def test_who_was_paid_with_units_that_stay_for_their_purpose_gives_such_units_back() -> None:
    books = Books()
    books.currency(purposes=[CARE, FOOD])
    payer, nurse = books.account(5), books.account(category="nurse")
    books.accept(books.issue(payer, 50, purpose="care"))
    paid = _paid(books, payer, nurse, 55)
    assert books.held(nurse) == {"|care||": 50, "": 5}
    books.accept(books.issue(nurse, 10, purpose="food"))
    books.accept(books.pay(nurse, books.account(), 5))
    refusal = books.refuse("insufficient-balance", refund(books, paid))
    assert refusal.parameters["available_amount"] == 50
    books.refuse("insufficient-balance", refund(books, paid, 1))
    books.accept(books.issue(nurse, 5))
    record = books.accept(refund(books, paid))
    assert transfer(record)["drawn"] == [["|care||", 50], ["", 5]]
    assert (books.held(payer), books.held(nurse)) == ({"|care||": 50, "": 5}, {"|food||": 10})


# Reversals


def reverse(books: Books, of: str) -> Reverse:
    return Reverse(id=books.id(), transfer=of)


@pytest.mark.parametrize("proposer", ["payer", "payee"])
def test_one_party_proposes_and_the_other_approves(books: Books, proposer: str) -> None:
    parties = {"payer": books.account(100), "payee": books.account(20)}
    other = parties["payee" if proposer == "payer" else "payer"]
    paid = _paid(books, parties["payer"], parties["payee"], 60)
    books.accept(refund(books, paid, 10))
    proposal = reverse(books, paid)
    record = books.accept(proposal, books.holder(parties[proposer]))
    assert (record.type, record.payload["of"]) == ("reversal.proposed", paid)
    assert books.total(parties["payer"]) == 50
    approval = Approve(id=books.id(), proposal=proposal.id)
    books.refuse("second-person-needed", approval, books.holder(parties[proposer]))
    books.refuse("not-permitted", approval, OPERATOR_PRINCIPAL)
    record = books.accept(approval, books.holder(other))
    said = {name: transfer(record)[name] for name in ("kind", "amount", "of", "proposal", "id")}
    assert said == {
        "kind": "reversal",
        "amount": 50,
        "of": paid,
        "proposal": proposal.id,
        "id": approval.id,
    }
    assert (books.total(parties["payer"]), books.total(parties["payee"])) == (100, 20)
    assert books.thing("proposal", proposal.id)["status"] == "approved"
    books.refuse("more-than-paid", refund(books, paid))
    books.refuse("unknown-transfer", reverse(books, approval.id), books.holder(other))


def test_only_parties_propose_a_reversal_and_only_holders_agree_to_it(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    clerk, till = books.allow(payer, "pay"), books.allow(payee, "receive")
    paid = _paid(books, payer, payee, 60)
    for stranger in (member(ids.new_id()), OPERATOR_PRINCIPAL):
        books.refuse("not-permitted", reverse(books, paid), stranger)
    by_clerk, by_till = reverse(books, paid), reverse(books, paid)
    books.accept(by_clerk, clerk)
    books.accept(by_till, till)
    for proposal, mine, approver in ((by_clerk, payer, till), (by_till, payee, clerk)):
        approval = Approve(id=books.id(), proposal=proposal.id)
        books.refuse("not-permitted", approval, approver)
        books.refuse("not-permitted", approval, books.holder(mine))
    books.accept(Approve(id=books.id(), proposal=by_till.id), books.holder(payer))
    refusal = books.refuse(
        "more-than-paid", Approve(id=books.id(), proposal=by_clerk.id), books.holder(payee)
    )
    assert refusal.parameters["left_amount"] == 0
    books.accept(Reject(id=books.id(), proposal=by_clerk.id), books.holder(payee))


def test_nothing_is_reversed_that_has_gone_back_already(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    paid = _paid(books, payer, payee, 60)
    books.accept(refund(books, paid))
    books.refuse("more-than-paid", reverse(books, paid), books.holder(payer))


def test_who_holds_both_accounts_refunds_instead(books: Books) -> None:
    holder = ids.new_id()
    payer, payee = books.account(100, holder=holder), books.account(holder=holder)
    paid = _paid(books, payer, payee, 60)
    proposal = reverse(books, paid)
    books.accept(proposal, member(holder))
    books.refuse("second-person-needed", Approve(id=books.id(), proposal=proposal.id), member(holder))
    books.accept(refund(books, paid), member(holder))
