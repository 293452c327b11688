"""Accounts that end: empty, or with what is left given to another one."""

from typing import Any

import pytest

from services.ledger.kernel.state import Account
from shared.auth.principal import Principal
from shared.contracts import clock, ids
from shared.contracts.charters import ExpiryClause, FeeClause, PurposeClause
from shared.contracts.commands import ChangeLimits, CloseAccount, FreezeAccount, VoidPending
from tests.support.charters import FIRST, amend, charter, rows
from tests.support.ledger import Books, create_currency, issue, member, pay

HOLDER, OTHER = ids.new_id(), ids.new_id()
TODAY = clock.to_text(clock.now_us())[:10]
FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


@pytest.fixture
def books() -> Books:
    books = Books()
    limits = rows(credit_limit=100, maximum_balance=1000, per_day=400)
    expiry = ExpiryClause(after_days=60, lot="month")
    books.accepted(create_currency(charter=charter(limits=limits, purposes=[FOOD], expiry=expiry)))
    return books


@pytest.fixture
def leaving(books: Books) -> str:
    return books.account(HOLDER)


@pytest.fixture
def heir(books: Books) -> str:
    return books.account(OTHER)


@pytest.fixture
def own(books: Books) -> str:
    """Another account of who leaves."""
    return books.account(HOLDER)


def state_of(books: Books, id: str) -> Account:
    found = books.state.accounts[id]
    assert found is not None
    return found


def close(account: str, to: str | None = None) -> CloseAccount:
    return CloseAccount(id=ids.new_id(), account=account, remainder_to=to)


def in_debt(books: Books, account: str, amount: int = 60) -> None:
    books.accepted(pay(account, books.account(), amount), member(HOLDER))


def test_an_empty_account_closes_for_good(books: Books, leaving: str, heir: str) -> None:
    record = books.accepted(close(leaving), member(HOLDER))
    assert record.type == "account.closed"
    assert record.payload["account"] == leaving
    assert record.payload["entries"] == []
    found = state_of(books, leaving)
    assert (found.floor, found.ceiling, found.terms) == (0, 0, {"closed": True})
    books.refused("account-closed", close(leaving), FIRST)
    books.refused("account-closed", pay(heir, leaving, 1), member(OTHER))
    books.refused("account-closed", pay(leaving, heir, 1), member(HOLDER))
    books.refused("account-closed", issue(leaving, 1), FIRST)


def test_what_is_left_goes_on_as_it_is(books: Books, leaving: str, heir: str) -> None:
    books.accepted(issue(leaving, 30), FIRST)
    books.accepted(issue(leaving, 20, purpose="food"), FIRST)
    held = dict(state_of(books, leaving).buckets)
    assert len(held) == 2
    record = books.accepted(close(leaving, heir), member(HOLDER))
    assert state_of(books, leaving).buckets == {}
    assert state_of(books, heir).buckets == held
    assert (record.payload["remainder"], record.payload["remainder_to"]) == (50, heir)
    assert books.total(leaving) == 0


def test_what_is_left_needs_somebody_to_take_it(books: Books, leaving: str) -> None:
    books.accepted(issue(leaving, 30), FIRST)
    refusal = books.refused("remainder-needed", close(leaving), FIRST)
    assert (refusal.parameters["account"], refusal.parameters["balance_amount"]) == (leaving, 30)


def test_units_and_debts_that_add_up_to_nothing_are_not_nothing(
    books: Books, leaving: str, heir: str, own: str
) -> None:
    in_debt(books, leaving, 20)
    books.accepted(issue(leaving, 20, purpose="food"), FIRST)
    assert books.total(leaving) == 0
    books.refused("remainder-needed", close(leaving), member(HOLDER))
    books.refused("not-permitted", close(leaving, heir), member(HOLDER))
    books.accepted(close(leaving, own), FIRST)
    assert (books.total(own), state_of(books, own).balance_of("")) == (0, -20)


@pytest.mark.parametrize("closer", [FIRST, member(HOLDER)])
def test_a_debt_goes_to_an_account_of_the_same_holder_that_may_owe_as_much(
    books: Books, leaving: str, heir: str, own: str, closer: Principal
) -> None:
    in_debt(books, leaving)
    books.refused("not-permitted", close(leaving, heir), closer)
    books.accepted(ChangeLimits(id=ids.new_id(), account=own, credit_limit=59), FIRST)
    refusal = books.refused("insufficient-balance", close(leaving, own), closer)
    assert (refusal.parameters["available_amount"], refusal.parameters["amount_minor"]) == (59, 60)
    books.accepted(ChangeLimits(id=ids.new_id(), account=own, credit_limit=60), FIRST)
    record = books.accepted(close(leaving, own), closer)
    assert (books.total(leaving), books.total(own), record.payload["remainder"]) == (0, -60, -60)


def test_an_operator_gives_what_is_left_to_nobody_else(
    books: Books, leaving: str, heir: str, own: str
) -> None:
    books.accepted(issue(leaving, 30), FIRST)
    operators_own = books.account(FIRST.subject)
    for somebody_elses in (heir, operators_own):
        books.refused("not-permitted", close(leaving, somebody_elses), FIRST)
    books.accepted(close(leaving, own), FIRST)
    assert books.total(own) == 30


def test_an_operator_gives_a_debt_of_their_own_to_nobody_else(books: Books, heir: str) -> None:
    account = books.account(FIRST.subject)
    books.accepted(pay(account, books.account(), 60), FIRST)
    books.refused("not-permitted", close(account, heir), FIRST)


def test_the_heir_holds_no_more_than_it_may(books: Books, leaving: str, own: str) -> None:
    books.accepted(issue(leaving, 301), FIRST)
    books.accepted(issue(own, 700), FIRST)
    refusal = books.refused("maximum-balance", close(leaving, own), FIRST)
    assert (refusal.parameters["room_amount"], refusal.parameters["amount_minor"]) == (300, 301)
    books.accepted(pay(own, books.account(), 1), member(HOLDER))
    books.accepted(close(leaving, own), FIRST)


def test_closing_is_no_way_around_limits_of_spending(books: Books, leaving: str, heir: str, own: str) -> None:
    books.accepted(issue(leaving, 401), FIRST)
    for to in (heir, own):
        refusal = books.refused("spending-limit", close(leaving, to), member(HOLDER))
        assert refusal.parameters["period"] == "per_day"
    books.accepted(close(leaving, own), FIRST)


def test_who_may_close(books: Books, leaving: str, heir: str) -> None:
    books.refused("not-permitted", close(leaving), member(OTHER))
    books.accepted(close(leaving), FIRST)


def test_the_heir_is_another_open_account_of_the_currency(books: Books, leaving: str) -> None:
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    books.accepted(issue(leaving, 30), FIRST)
    books.accepted(create_currency("LEAF"))
    closed, frozen = books.account(HOLDER), books.account(HOLDER)
    books.accepted(close(closed), FIRST)
    books.accepted(FreezeAccount(id=ids.new_id(), account=frozen, reason="x"), FIRST)
    for slug, to in (
        ("same-account", leaving),
        ("unknown-account", ids.new_account_id(0)),
        ("own-account", currency.redemption_account),
        ("wrong-currency", books.account(currency="LEAF")),
        ("account-closed", closed),
        ("account-frozen", frozen),
    ):
        books.refused(slug, close(leaving, to), FIRST)


@pytest.mark.parametrize("direction", ["out", "all"])
def test_what_is_frozen_is_not_closed(books: Books, leaving: str, direction: Any) -> None:
    freezing = FreezeAccount(id=ids.new_id(), account=leaving, direction=direction, reason="x")
    books.accepted(freezing, FIRST)
    for somebody in (member(HOLDER), FIRST):
        books.refused("account-frozen", close(leaving), somebody)


def test_reservations_end_first(books: Books, leaving: str, heir: str) -> None:
    payee_holder = ids.new_id()
    payee = books.account(payee_holder)
    books.accepted(issue(leaving, 30), FIRST)
    reserving = pay(leaving, payee, 10, pending_seconds=60)
    books.accepted(reserving, member(HOLDER))
    books.refused("reservations-open", close(leaving, heir), member(HOLDER))
    books.accepted(VoidPending(id=ids.new_id(), pending=reserving.id), member(payee_holder))
    books.accepted(close(leaving, heir), member(HOLDER))
    assert books.total(heir) == 30


def test_the_account_of_the_fees_stays_open(books: Books, leaving: str, heir: str) -> None:
    amend(books, charter(limits=rows(), fee=FeeClause(to=leaving, fixed=1), purposes=[FOOD]))
    refusal = books.refused("account-in-charter", close(leaving), member(HOLDER))
    assert refusal.parameters == {"account": leaving, "currency": "PUMA"}
    books.accepted(close(heir), member(OTHER))
