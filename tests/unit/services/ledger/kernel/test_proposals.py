"""What needs a second person: corrections, and how everything proposed is approved, rejected, or lapses."""

from typing import Any

import pytest

from services.ledger.kernel.calendar import DAY_US
from shared.auth.principal import ADMINISTRATOR
from shared.contracts import ids
from shared.contracts.charters import Charter, PurposeClause
from shared.contracts.commands import (
    PROPOSAL_DAYS,
    AmendCharter,
    Approve,
    CloseAccount,
    Correct,
    Refund,
    Reject,
    Reverse,
)
from tests.support.ledger import OPERATOR_PRINCIPAL, member, principal
from tests.unit.services.ledger.kernel.books import ROWS, SECOND, SECOND_OPERATOR, Books, rows, transfer

FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


@pytest.fixture
def books() -> Books:
    return Books("PUMA")


def correct(books: Books, payer: str, payee: str, amount: int, **more: Any) -> Correct:
    fields = {"currency": "PUMA", "reason": "booked twice", **more}
    return Correct(id=books.id(), payer=payer, payee=payee, amount=amount, **fields)


def approve(books: Books, proposal: str) -> Approve:
    return Approve(id=books.id(), proposal=proposal)


def _corrected(books: Books, payer: str, payee: str, amount: int, **more: Any) -> Approve:
    """The approval of a correction that has been proposed."""
    proposal = correct(books, payer, payee, amount, **more)
    books.accept(proposal)
    return approve(books, proposal.id)


def test_a_correction_is_made_by_two_operators_with_a_reason(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    paid = books.pay(payer, payee, 60)
    books.accept(paid)
    proposal = correct(books, payee, payer, 60, transfer=paid.id)
    record = books.accept(proposal)
    assert record.type == "correction.proposed"
    assert record.note is not None
    assert record.note.memo == "booked twice"
    assert b"twice" not in record.body
    assert record.payload["note"]
    assert books.total(payer) == 40
    approval = approve(books, proposal.id)
    books.refuse("second-person-needed", approval)
    books.refuse("not-permitted", approval, books.holder(payee))
    record = books.accept(approval, SECOND_OPERATOR)
    assert transfer(record) == {
        "amount": 60,
        "currency": "PUMA",
        "id": approval.id,
        "kind": "correction",
        "payee": payer,
        "payer": payee,
        "of": paid.id,
        "proposal": proposal.id,
    }
    assert (books.total(payer), books.total(payee)) == (100, 0)
    thing = books.thing("proposal", proposal.id)
    assert (thing["status"], thing["made"], thing["settled_by"]) == (
        "approved",
        approval.id,
        SECOND_OPERATOR.subject,
    )
    books.refuse("unknown-transfer", Refund(id=books.id(), transfer=approval.id))


def test_only_operators_propose_corrections(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    for who in (books.holder(payer), principal("an-administrator", ADMINISTRATOR)):
        books.refuse("not-permitted", correct(books, payer, payee, 1), who)


def test_corrections_go_between_holders_accounts_of_the_currency(books: Books) -> None:
    books.currency("LEAF")
    payer, payee, leaf = books.account(100), books.account(), books.account(currency="LEAF")
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    books.refuse("same-account", correct(books, payer, payer, 1))
    books.refuse("wrong-currency", correct(books, payer, leaf, 1))
    books.refuse("wrong-kind", correct(books, payer, currency.redemption_account, 1))
    books.refuse("wrong-kind", correct(books, currency.issuance_account, payee, 1))
    books.refuse("unknown-account", correct(books, payer, ids.new_id(), 1))
    books.refuse("unknown-currency", correct(books, payer, payee, 1, currency="NONE"))
    books.refuse("unknown-transfer", correct(books, payer, payee, 1, transfer=ids.new_id()))


def test_corrections_keep_the_limits_of_balances_and_count_for_none_of_spending() -> None:
    books = Books()
    books.currency(limits=rows(per_day=5, credit_limit=10))
    payer, payee = books.account(20), books.account(maximum_balance=25)
    approval = _corrected(books, payer, payee, 31)
    assert (
        books.refuse("insufficient-balance", approval, SECOND_OPERATOR).parameters["available_amount"] == 30
    )
    approval = _corrected(books, payer, payee, 26)
    books.refuse("maximum-balance", approval, SECOND_OPERATOR)
    books.accept(_corrected(books, payer, payee, 25), SECOND_OPERATOR)
    assert books.total(payer) == -5
    books.accept(books.pay(payer, books.account(), 5))


def test_frozen_accounts_can_be_corrected_closed_ones_cannot(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    books.freeze(payer)
    books.freeze(payee)
    books.accept(_corrected(books, payer, payee, 100), SECOND_OPERATOR)
    approval = _corrected(books, payee, payer, 1)
    books.unfreeze(payer)
    books.accept(CloseAccount(id=books.id(), account=payer), books.holder(payer))
    assert books.refuse("account-closed", approval, SECOND_OPERATOR).parameters == {"account": payer}
    books.refuse("account-closed", correct(books, payee, payer, 1))


def test_a_correction_draws_units_of_any_purpose() -> None:
    books = Books()
    books.currency(purposes=[FOOD])
    payer, payee = books.account(10), books.account()
    books.accept(books.issue(payer, 50, purpose="food"))
    books.accept(_corrected(books, payer, payee, 60), SECOND_OPERATOR)
    assert (books.held(payer), books.held(payee)) == ({}, {"": 60})


def test_what_a_correction_gives_back_counts_as_gone_back(books: Books) -> None:
    payer, payee = books.account(100), books.account(500)
    paid = books.pay(payer, payee, 80)
    books.accept(paid)
    reversal = Reverse(id=books.id(), transfer=paid.id)
    books.accept(reversal, books.holder(payer))
    books.accept(_corrected(books, payee, payer, 50, transfer=paid.id), SECOND_OPERATOR)
    refusal = books.refuse("more-than-paid", Refund(id=books.id(), transfer=paid.id, amount=31))
    assert refusal.parameters["left_amount"] == 30
    waiting = _corrected(books, payee, payer, 30, transfer=paid.id)
    books.refuse("more-than-paid", correct(books, payee, payer, 31, transfer=paid.id))
    books.accept(Refund(id=books.id(), transfer=paid.id, amount=10), books.holder(payee))
    books.refuse("more-than-paid", waiting, SECOND_OPERATOR)
    books.accept(approve(books, reversal.id), books.holder(payee))
    assert (books.total(payer), books.total(payee)) == (100, 500)


def test_a_correction_beside_a_transfer_gives_nothing_of_it_back(books: Books) -> None:
    payer, wrong, right = books.account(100), books.account(), books.account()
    paid = books.pay(payer, wrong, 80)
    books.accept(paid)
    books.accept(_corrected(books, wrong, right, 80, transfer=paid.id), SECOND_OPERATOR)
    books.accept(books.issue(wrong, 80))
    books.accept(Refund(id=books.id(), transfer=paid.id), books.holder(wrong))
    assert (books.total(payer), books.total(right)) == (100, 80)


# Any proposal


def test_what_is_unknown_is_neither_approved_nor_rejected(books: Books) -> None:
    account = books.account()
    for id in (ids.new_id(), account):
        assert books.refuse("unknown-proposal", approve(books, id)).parameters == {"proposal": id}
        books.refuse("unknown-proposal", Reject(id=books.id(), proposal=id))


def test_what_is_settled_stays_so(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    approved, rejected = correct(books, payer, payee, 1), correct(books, payer, payee, 1)
    books.accept(approved)
    books.accept(rejected)
    books.accept(approve(books, approved.id), SECOND_OPERATOR)
    record = books.accept(Reject(id=books.id(), proposal=rejected.id), SECOND_OPERATOR)
    assert (record.type, record.payload["proposal"]) == ("proposal.rejected", rejected.id)
    for proposal, status in ((approved, "approved"), (rejected, "rejected")):
        said = {"proposal": proposal.id, "status": status}
        for command in (approve(books, proposal.id), Reject(id=books.id(), proposal=proposal.id)):
            assert books.refuse("proposal-settled", command, SECOND_OPERATOR).parameters == said
    assert books.total(payee) == 1


def test_it_lapses_when_nobody_decides(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    proposal = correct(books, payer, payee, 1)
    books.accept(proposal)
    thing = books.state.things["proposal", proposal.id]
    assert thing is not None
    assert thing.due_at == books.now + PROPOSAL_DAYS * DAY_US
    books.later(PROPOSAL_DAYS * DAY_US)
    for command in (approve(books, proposal.id), Reject(id=books.id(), proposal=proposal.id)):
        assert books.refuse("proposal-settled", command, SECOND_OPERATOR).parameters["status"] == "lapsed"


def test_it_is_taken_back_by_who_made_it_and_rejected_by_who_could_approve_it(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    paid = books.pay(payer, payee, 60)
    books.accept(paid)
    for rejecter in (books.holder(payer), books.holder(payee)):
        proposal = Reverse(id=books.id(), transfer=paid.id)
        books.accept(proposal, books.holder(payer))
        for stranger in (OPERATOR_PRINCIPAL, member(ids.new_id())):
            books.refuse("not-permitted", Reject(id=books.id(), proposal=proposal.id), stranger)
        books.accept(Reject(id=books.id(), proposal=proposal.id), rejecter)
    correction = correct(books, payer, payee, 1)
    books.accept(correction)
    books.refuse("not-permitted", Reject(id=books.id(), proposal=correction.id), books.holder(payee))
    books.accept(Reject(id=books.id(), proposal=correction.id))


def test_a_charter_is_adopted_by_an_operator_or_administrator(books: Books) -> None:
    charter = Charter(names={"en": "PUMA"}, kind="backed", minor_units=100, limits=ROWS, purposes=[FOOD])
    proposal = AmendCharter(
        id=books.id(), currency="PUMA", version=2, valid_from=books.now + SECOND, charter=charter
    )
    books.accept(proposal)
    books.refuse("not-permitted", approve(books, proposal.id), member(ids.new_id()))
    books.refuse("second-person-needed", approve(books, proposal.id))
    books.accept(approve(books, proposal.id), principal("an-administrator", ADMINISTRATOR))
    assert books.thing("proposal", proposal.id)["status"] == "approved"
    account = books.account()
    books.refuse("invalid-request", books.issue(account, 1, purpose="food"))
    books.later(SECOND)
    books.accept(books.issue(account, 1, purpose="food"))
