"""Accounts that several people operate, each with limited rights."""

from typing import Any

import pytest

from services.ledger.kernel.state import Account
from shared.contracts import ids
from shared.contracts.commands import MAX_DELEGATES, SetDelegate
from tests.support.charters import FIRST
from tests.support.ledger import Books, create_currency, member, pay

HOLDER, CASHIER = ids.new_id(), ids.new_id()


@pytest.fixture
def books() -> Books:
    books = Books()
    books.accepted(create_currency())
    return books


@pytest.fixture
def shop(books: Books) -> str:
    return books.account(HOLDER, issued=1000)


def terms(books: Books, id: str) -> dict[str, Any]:
    found = books.state.accounts[id]
    assert isinstance(found, Account)
    return found.terms


def delegate(account: str, *rights: Any, subject: str = CASHIER, **more: Any) -> SetDelegate:
    return SetDelegate(id=ids.new_id(), account=account, subject=subject, rights=list(rights), **more)


def test_a_delegate_pays_up_to_the_limit_given(books: Books, shop: str) -> None:
    payee, cashier = books.account(), member(CASHIER)
    books.refused("not-permitted", pay(shop, payee, 1), cashier)
    books.accepted(delegate(shop, "pay", "view", per_transfer=50), member(HOLDER))
    assert terms(books, shop) == {"delegates": {CASHIER: {"rights": ["view", "pay"], "per_transfer": 50}}}
    books.accepted(pay(shop, payee, 50), cashier)
    books.refused("not-permitted", pay(shop, payee, 51), cashier)
    books.accepted(pay(shop, payee, 51), member(HOLDER))


def test_other_rights_let_nobody_pay(books: Books, shop: str) -> None:
    books.accepted(delegate(shop, "view", "receive", "schedule"), member(HOLDER))
    books.refused("not-permitted", pay(shop, books.account(), 1), member(CASHIER))


def test_rights_are_replaced_as_a_whole_and_taken_away(books: Books, shop: str) -> None:
    holder = member(HOLDER)
    books.accepted(delegate(shop, "pay", per_transfer=50), holder)
    books.accepted(delegate(shop, "pay", "pay"), holder)
    assert terms(books, shop)["delegates"] == {CASHIER: {"rights": ["pay"]}}
    record = books.accepted(delegate(shop), FIRST)
    assert record.type == "account.changed"
    assert terms(books, shop) == {}
    books.refused("not-permitted", pay(shop, books.account(), 1), member(CASHIER))


def test_the_holder_and_operators_say_who(books: Books, shop: str) -> None:
    books.accepted(delegate(shop, "view", "pay", "receive", "schedule"), FIRST)
    for somebody in (member(CASHIER), member(ids.new_id())):
        books.refused("not-permitted", delegate(shop, "view", subject=ids.new_id()), somebody)


def test_operators_give_themselves_no_right(books: Books, shop: str) -> None:
    own = delegate(shop, "pay", subject=FIRST.subject)
    books.refused("not-permitted", own, FIRST)
    books.accepted(own, member(HOLDER))
    books.refused("not-permitted", delegate(shop, "view", subject=FIRST.subject), FIRST)
    books.accepted(delegate(shop, subject=FIRST.subject), FIRST)


def test_what_makes_no_sense_is_refused(books: Books, shop: str) -> None:
    holder = member(HOLDER)
    for pointer, command in (
        ("/subject", delegate(shop, "pay", subject=HOLDER)),
        ("/per_transfer", delegate(shop, "view", "receive", per_transfer=5)),
        ("/per_transfer", delegate(shop, per_transfer=5)),
    ):
        assert books.refused("invalid-request", command, holder).faults[0].pointer == pointer
    books.refused("nothing-changes", delegate(shop), holder)
    books.accepted(delegate(shop, "pay", "view"), holder)
    books.refused("nothing-changes", delegate(shop, "view", "pay"), holder)


def test_an_account_has_so_many_delegates(books: Books, shop: str) -> None:
    holder = member(HOLDER)
    for _ in range(MAX_DELEGATES - 1):
        books.accepted(delegate(shop, "view", subject=ids.new_id()), holder)
    books.accepted(delegate(shop, "view"), holder)
    refusal = books.refused("too-many-delegates", delegate(shop, "view", subject=ids.new_id()), holder)
    assert refusal.parameters == {"account": shop, "limit": MAX_DELEGATES}
    books.accepted(delegate(shop, "pay"), holder)
