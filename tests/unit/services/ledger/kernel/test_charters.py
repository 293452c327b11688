"""Versions of charters: proposed by one, adopted by another, in force from a moment on."""

import pytest

from services.ledger.kernel.calendar import DAY_US
from services.ledger.kernel.charters import version_at
from shared.auth.principal import ADMINISTRATOR
from shared.contracts import clock, ids
from shared.contracts.charters import FeeClause, Penalty, PurposeClause, RedemptionClause, document
from shared.contracts.commands import Approve, CloseAccount, Settle
from tests.support.charters import FIRST, HOUR_US, SECOND, amend, amendment, charter, id_at, rows
from tests.support.ledger import (
    OPERATOR_PRINCIPAL,
    Books,
    create_currency,
    issue,
    member,
    open_account,
    pay,
    principal,
)

NOW = clock.from_text("2026-11-23T10:00:00Z")
CAPPED = charter(limits=rows(maximum_balance=500))


@pytest.fixture
def books() -> Books:
    books = Books()
    books.accepted(create_currency(id=id_at(NOW), charter=charter()), now=NOW)
    return books


def account(books: Books, holder: str = "", now: int = NOW) -> str:
    command = open_account(holder or ids.new_id(), id=ids.new_account_id(0, now_ms=now // 1000))
    books.accepted(command, now=now)
    return command.id


def issued(books: Books, to: str, amount: int, now: int) -> None:
    books.accepted(issue(to, amount, id=id_at(now)), now=now)


def test_a_version_holds_from_its_moment_on_for_accounts_that_there_are(books: Books) -> None:
    one = account(books)
    issued(books, one, 400, NOW)
    record = amend(books, CAPPED, now=NOW)
    assert record.type == "charter.adopted"
    begins = NOW + HOUR_US
    issued(books, one, 400, begins - 1)
    books.refused("maximum-balance", issue(one, 1, id=id_at(begins)), now=begins)
    found = books.state.accounts[one]
    assert found is not None
    assert (found.total, found.ceiling) == (800, 2**53 - 1)
    books.accepted(Settle(id=id_at(begins), account=one), TIMEKEEPER, begins)
    assert (found.ceiling, found.terms["charter"]) == (500, 2)
    books.refused("not-due", Settle(id=id_at(begins), account=one), TIMEKEEPER, begins)


TIMEKEEPER = principal("jobs", "timekeeper")


def test_the_versions_are_listed_and_kept(books: Books) -> None:
    amend(books, CAPPED, now=NOW)
    amend(books, charter(), now=NOW)
    versions = books.state.things["charters", "PUMA"].body["versions"]  # type: ignore[union-attr]
    assert versions == [[1, NOW], [2, NOW + HOUR_US], [3, NOW + 2 * HOUR_US]]
    assert books.state.things["charter", "PUMA/2"].body["document"] == document(CAPPED)  # type: ignore[union-attr]
    moments = (0, NOW, NOW + HOUR_US - 1, NOW + HOUR_US, NOW + 9 * HOUR_US)
    assert [version_at(versions, moment) for moment in moments] == [1, 1, 1, 2, 3]


def test_a_currency_without_a_charter_gets_its_second_version(books: Books) -> None:
    books.accepted(create_currency("LEAF", id=id_at(NOW), default_credit_limit=30), now=NOW)
    amend(books, charter("LEAF", limits=rows(credit_limit=10)), "LEAF", now=NOW)
    payer = open_account(ids.new_id(), "LEAF", id=ids.new_account_id(0, now_ms=NOW // 1000))
    payee = open_account(ids.new_id(), "LEAF", id=ids.new_account_id(0, now_ms=NOW // 1000))
    for each in (payer, payee):
        books.accepted(each, now=NOW)
    holder = member(payer.holder)
    books.accepted(pay(payer.id, payee.id, 20, "LEAF", id=id_at(NOW)), holder, NOW)
    later = NOW + HOUR_US
    books.refused("insufficient-balance", pay(payer.id, payee.id, 1, "LEAF", id=id_at(later)), holder, later)


def test_nobody_adopts_alone(books: Books) -> None:
    proposed = amendment(2, NOW + HOUR_US, CAPPED, now=NOW)
    record = books.accepted(proposed, FIRST, NOW)
    assert record.type == "charter.proposed"
    assert record.payload["proposal"] == proposed.id
    books.refused("second-person-needed", Approve(id=id_at(NOW), proposal=proposed.id), FIRST, NOW)
    books.refused("not-permitted", Approve(id=id_at(NOW), proposal=proposed.id), member("m"), NOW)
    books.accepted(Approve(id=id_at(NOW), proposal=proposed.id), principal("a", ADMINISTRATOR), NOW)
    again = books.refused("proposal-settled", Approve(id=id_at(NOW), proposal=proposed.id), SECOND, NOW)
    assert again.parameters["status"] == "approved"
    books.refused("not-permitted", amendment(3, NOW + 2 * HOUR_US, CAPPED, now=NOW), member("m"), NOW)


def test_of_two_proposals_of_a_version_one_is_adopted(books: Books) -> None:
    one = amendment(2, NOW + HOUR_US, CAPPED, now=NOW)
    other = amendment(2, NOW + 2 * HOUR_US, CAPPED, now=NOW)
    for each in (one, other):
        books.accepted(each, FIRST, NOW)
    books.accepted(Approve(id=id_at(NOW), proposal=one.id), SECOND, NOW)
    refusal = books.refused("charter-outdated", Approve(id=id_at(NOW), proposal=other.id), SECOND, NOW)
    assert refusal.parameters == {"currency": "PUMA", "version": 3}


@pytest.mark.parametrize("version", [3, 1000])
def test_versions_follow_each_other_without_gaps(books: Books, version: int) -> None:
    outdated = amendment(version, NOW + HOUR_US, CAPPED, now=NOW)
    assert books.refused("charter-outdated", outdated, FIRST, NOW).parameters["version"] == 2


@pytest.mark.parametrize("valid_from", [NOW, NOW - 1, 0, NOW + 3661 * DAY_US, 2**63])
def test_a_version_begins_after_now_and_within_ten_years(books: Books, valid_from: int) -> None:
    refusal = books.refused("invalid-request", amendment(2, valid_from, CAPPED, now=NOW), FIRST, NOW)
    assert [fault.pointer for fault in refusal.faults] == ["/valid_from"]


def test_a_version_begins_after_the_one_before(books: Books) -> None:
    amend(books, CAPPED, now=NOW)
    books.refused("invalid-request", amendment(3, NOW + HOUR_US, charter(), now=NOW), FIRST, NOW)
    books.accepted(amendment(3, NOW + HOUR_US + 1, charter(), now=NOW), FIRST, NOW)


def test_a_proposal_lapses_when_it_would_begin(books: Books) -> None:
    soon, late = (
        amendment(2, NOW + HOUR_US, CAPPED, now=NOW),
        amendment(2, NOW + 99 * DAY_US, CAPPED, now=NOW),
    )
    for each in (soon, late):
        books.accepted(each, FIRST, NOW)
    due = [books.state.things["proposal", each.id].due_at for each in (soon, late)]  # type: ignore[union-attr]
    assert due == [NOW + HOUR_US, NOW + 14 * DAY_US]
    begun = NOW + HOUR_US
    refusal = books.refused("proposal-settled", Approve(id=id_at(begun), proposal=soon.id), SECOND, begun)
    assert refusal.parameters["status"] == "lapsed"
    books.accepted(Approve(id=id_at(begun), proposal=late.id), SECOND, begun)


def test_a_version_that_says_nothing_new_is_refused(books: Books) -> None:
    books.refused("nothing-changes", amendment(2, NOW + HOUR_US, charter(), now=NOW), FIRST, NOW)


def test_contradictions_are_told_when_it_is_proposed(books: Books) -> None:
    wrong = charter(purposes=[PurposeClause(code="food", names={"en": "Food"})])
    refusal = books.refused("charter-contradicts", amendment(2, NOW + HOUR_US, wrong, now=NOW), FIRST, NOW)
    assert refusal.parameters["clause"] == "/purposes/0"
    assert refusal.detail.startswith("/purposes/0: nothing is said")


def test_what_was_promised_in_a_version_to_come_counts_too(books: Books) -> None:
    food = PurposeClause(code="food", names={"en": "Food"}, goods=["food"], until="2027-01-31")
    amend(books, charter(purposes=[food]), now=NOW)
    shorter = PurposeClause(code="food", names={"en": "Food"}, goods=["food"], until="2027-01-30")
    proposed = amendment(3, NOW + DAY_US, charter(purposes=[shorter]), now=NOW)
    assert books.refused("charter-contradicts", proposed, FIRST, NOW).parameters["clause"] == (
        "/purposes/0/until"
    )


def test_fees_and_penalties_go_to_open_accounts_of_holders_in_the_currency(books: Books) -> None:
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    books.accepted(create_currency("LEAF", id=id_at(NOW)), now=NOW)
    leaf = open_account(ids.new_id(), "LEAF", id=ids.new_account_id(0, now_ms=NOW // 1000))
    books.accepted(leaf, now=NOW)
    closed = account(books)
    books.accepted(CloseAccount(id=id_at(NOW), account=closed), OPERATOR_PRINCIPAL, NOW)
    for to in (ids.new_account_id(0), currency.redemption_account, leaf.id, closed):
        wrong = charter(fee=FeeClause(to=to, fixed=1))
        refusal = books.refused(
            "charter-contradicts", amendment(2, NOW + HOUR_US, wrong, now=NOW), FIRST, NOW
        )
        assert refusal.parameters["clause"] == "/fee/to"
    penalties = RedemptionClause(penalties=[Penalty(under_days=9, basis_points=1)], penalty_to=closed)
    wrong = charter(redemption=penalties)
    refusal = books.refused("charter-contradicts", amendment(2, NOW + HOUR_US, wrong, now=NOW), FIRST, NOW)
    assert refusal.parameters["clause"] == "/redemption/penalty_to"
    books.accepted(
        amendment(2, NOW + HOUR_US, charter(fee=FeeClause(to=account(books), fixed=1)), now=NOW), FIRST, NOW
    )


def test_an_account_that_closed_meanwhile_cannot_get_the_fees(books: Books) -> None:
    fund = account(books)
    proposed = amendment(2, NOW + HOUR_US, charter(fee=FeeClause(to=fund, fixed=1)), now=NOW)
    books.accepted(proposed, FIRST, NOW)
    books.accepted(CloseAccount(id=id_at(NOW), account=fund), OPERATOR_PRINCIPAL, NOW)
    approval = Approve(id=id_at(NOW), proposal=proposed.id)
    assert books.refused("charter-contradicts", approval, SECOND, NOW).parameters["clause"] == "/fee/to"


def test_unknown_currencies_have_no_charters(books: Books) -> None:
    unknown = amendment(2, NOW + HOUR_US, charter("NONE"), "NONE", now=NOW)
    books.refused("unknown-currency", unknown, FIRST, NOW)
