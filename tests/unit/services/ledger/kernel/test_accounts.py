"""What operators agree of accounts: limits, tags, freezing; and settling them."""

from typing import Any

import pytest

from services.ledger.kernel.state import Account
from shared.auth.principal import TIMEKEEPER
from shared.contracts import ids
from shared.contracts.commands import (
    ChangeLimits,
    CloseAccount,
    Command,
    FreezeAccount,
    SetDelegate,
    Settle,
    TagAccount,
    UnfreezeAccount,
)
from tests.support.charters import FIRST, charter, rows
from tests.support.ledger import Books, create_currency, issue, member, pay, principal

HOLDER = ids.new_id()
JOBS = principal("jobs", TIMEKEEPER)
LIMITS = rows(credit_limit=100, maximum_balance=1000)


@pytest.fixture
def books() -> Books:
    books = Books()
    books.accepted(create_currency(charter=charter(limits=LIMITS)))
    return books


@pytest.fixture
def account(books: Books) -> str:
    return books.account(HOLDER)


def state_of(books: Books, id: str) -> Account:
    found = books.state.accounts[id]
    assert found is not None
    return found


def limits(account: str, **fields: Any) -> ChangeLimits:
    return ChangeLimits(id=ids.new_id(), account=account, **fields)


def tags(account: str, **fields: Any) -> TagAccount:
    return TagAccount(id=ids.new_id(), account=account, **fields)


def freeze(account: str, direction: Any = "all") -> FreezeAccount:
    return FreezeAccount(id=ids.new_id(), account=account, direction=direction, reason="a lost phone")


def unfreeze(account: str) -> UnfreezeAccount:
    return UnfreezeAccount(id=ids.new_id(), account=account)


def settle(account: str) -> Settle:
    return Settle(id=ids.new_id(), account=account)


def commands(account: str) -> list[Command]:
    """One of each that is done to an account."""
    delegate = SetDelegate(id=ids.new_id(), account=account, subject=ids.new_id(), rights=["view"])
    closing = CloseAccount(id=ids.new_id(), account=account)
    return [
        *(limits(account, level=1), tags(account, place="triana"), delegate),
        *(freeze(account), unfreeze(account), closing),
    ]


def test_limits_of_its_own_go_before_the_charters_until_they_are_taken_back(
    books: Books, account: str
) -> None:
    record = books.accepted(limits(account, credit_limit=0, maximum_balance=50, per_day=7), FIRST)
    assert record.type == "account.changed"
    assert record.payload["account"] == account
    found = state_of(books, account)
    assert (found.floor, found.ceiling) == (0, 50)
    assert found.terms["own"] == {"credit_limit": 0, "maximum_balance": 50, "per_day": 7}
    books.accepted(limits(account, credit_limit=None, per_day=None), FIRST)
    assert (found.floor, found.ceiling, found.terms["own"]) == (-100, 50, {"maximum_balance": 50})
    books.accepted(limits(account, maximum_balance=None), FIRST)
    assert (found.ceiling, found.terms) == (1000, {})


def test_own_limits_of_spending_are_kept(books: Books, account: str) -> None:
    payee = books.account()
    books.accepted(limits(account, per_transfer=40, per_day=60), FIRST)
    refusal = books.refused("spending-limit", pay(account, payee, 41), member(HOLDER))
    assert refusal.parameters["period"] == "per_transfer"
    books.accepted(pay(account, payee, 40), member(HOLDER))
    refusal = books.refused("spending-limit", pay(account, payee, 21), member(HOLDER))
    assert (refusal.parameters["period"], refusal.parameters["left_amount"]) == ("per_day", 20)


def test_the_level_of_verification_decides_which_row_holds(books: Books) -> None:
    higher = rows(credit_limit=900, level=2)
    books.accepted(create_currency("LEAF", charter=charter("LEAF", limits=[*LIMITS, *higher])))
    account = books.account(currency="LEAF")
    for level, floor in ((1, -100), (2, -900), (3, -900), (0, -100)):
        books.accepted(limits(account, level=level), FIRST)
        assert state_of(books, account).floor == floor
    assert "level" not in state_of(books, account).terms


def test_an_account_beyond_new_limits_keeps_what_it_has_and_may_come_nearer(
    books: Books, account: str
) -> None:
    payee = books.account()
    books.accepted(issue(account, 800), FIRST)
    books.accepted(limits(account, maximum_balance=500), FIRST)
    books.refused("maximum-balance", issue(account, 1), FIRST)
    books.accepted(pay(account, payee, 100), member(HOLDER))
    books.accepted(limits(payee, maximum_balance=0, credit_limit=0), FIRST)
    assert books.total(account) == 700


def test_tags_are_set_changed_and_taken_away(books: Books, account: str) -> None:
    found = state_of(books, account)
    books.accepted(tags(account, territory="seville", category="grocer", place="triana"), FIRST)
    books.accepted(tags(account, groups=["b", "a", "b"]), FIRST)
    assert (found.territory, found.category) == ("seville", "grocer")
    assert found.terms == {"place": "triana", "groups": ["a", "b"]}
    record = books.accepted(tags(account, category=None, place=None, groups=[]), FIRST)
    assert (found.territory, found.category, found.terms) == ("seville", None, {})
    assert record.payload["changes"] == [[account, {"category": None, "terms": {}}]]


def test_what_is_frozen_lets_nothing_out_or_neither_out_nor_in(books: Books, account: str) -> None:
    other, holder = books.account(), member(HOLDER)
    books.accepted(issue(account, 100), FIRST)
    record = books.accepted(freeze(account, "out"), FIRST)
    assert record.type == "account.frozen"
    assert b"phone" not in record.body
    assert record.note is not None
    assert record.note.memo == "a lost phone"
    books.refused("account-frozen", pay(account, other, 1), holder)
    books.accepted(issue(account, 1), FIRST)
    books.accepted(freeze(account), FIRST)
    books.refused("account-frozen", issue(account, 1), FIRST)
    assert books.accepted(unfreeze(account), FIRST).type == "account.unfrozen"
    books.accepted(pay(account, other, 1), holder)


def test_what_is_so_already_is_refused(books: Books, account: str) -> None:
    books.accepted(limits(account, per_day=5), FIRST)
    books.accepted(tags(account, groups=["a"], place="triana", category="grocer"), FIRST)
    books.accepted(freeze(account), FIRST)
    for command in (
        *(limits(account), limits(account, per_day=5), limits(account, level=0, per_month=None)),
        *(tags(account), tags(account, groups=["a"]), tags(account, territory=None, category="grocer")),
        freeze(account),
        unfreeze(books.account()),
    ):
        books.refused("nothing-changes", command, FIRST)


def test_operators_alone_change_and_freeze(books: Books, account: str) -> None:
    for command in (
        *(limits(account, level=1), tags(account, place="triana")),
        *(freeze(account), unfreeze(account)),
    ):
        for somebody in (member(HOLDER), principal("a", "administrator"), JOBS):
            books.refused("not-permitted", command, somebody)


def test_none_of_it_is_done_to_unknown_closed_or_the_currencys_own_accounts(
    books: Books, account: str
) -> None:
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    books.accepted(CloseAccount(id=ids.new_id(), account=account), FIRST)
    for slug, id in (
        ("unknown-account", ids.new_account_id(0)),
        ("own-account", currency.issuance_account),
        ("own-account", currency.redemption_account),
        ("account-closed", account),
    ):
        for command in commands(id):
            assert books.refused(slug, command, FIRST).parameters == {"account": id}


def test_settling_is_refused_where_nothing_is_due(books: Books, account: str) -> None:
    books.refused("not-due", settle(account), JOBS)
    books.refused("not-permitted", settle(account), FIRST)
    books.refused("unknown-account", settle(ids.new_account_id(0)), JOBS)
    books.accepted(CloseAccount(id=ids.new_id(), account=account), FIRST)
    books.refused("not-due", settle(account), JOBS)
