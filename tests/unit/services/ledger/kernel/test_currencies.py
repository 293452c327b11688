"""Currencies that are created with a charter."""

from dataclasses import replace
from typing import Any

import pytest

from services.ledger.kernel.charters import rules_at
from shared.auth.principal import Principal
from shared.contracts import ids
from shared.contracts.charters import FeeClause, LimitClause, document
from shared.contracts.commands import Command
from shared.contracts.errors import Refusal
from tests.support.charters import charter, rows
from tests.support.ledger import (
    OPERATOR_PRINCIPAL,
    Books,
    create_currency,
    issue,
    member,
    open_account,
    pay,
)


@pytest.fixture
def books() -> Books:
    return Books()


def contradicting(books: Books, **fields: Any) -> tuple[str, str]:
    refusal = books.refused("charter-contradicts", create_currency(charter=charter(**fields)))
    return refusal.parameters["clause"], refusal.parameters["reason"]


def faults(refusal: Refusal) -> list[str]:
    return [fault.pointer for fault in refusal.faults]


def test_the_charter_that_a_currency_begins_with_holds_at_once(books: Books) -> None:
    given = charter(limits=[LimitClause(kind="member", credit_limit=7), LimitClause(kind="organisation")])
    record = books.accepted(create_currency(charter=given))
    assert books.state.things["charters", "PUMA"].body == {"versions": [[1, record.recorded_at]]}  # type: ignore[union-attr]
    assert books.state.things["charter", "PUMA/1"].body == {"document": document(given)}  # type: ignore[union-attr]
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    assert rules_at(books.state, currency, record.recorded_at).charter == given
    member = books.state.accounts[books.account()]
    assert member is not None
    assert (member.floor, member.ceiling) == (-7, 2**53 - 1)


def test_currencies_of_another_partition_are_not_dealt_in(books: Books) -> None:
    books.accepted(create_currency())
    payer, payee = books.account(holder := ids.new_id(), issued=10), books.account()
    books.accepted(pay(payer, payee, 1), member(holder))
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    books.state.currencies["PUMA"] = replace(currency, partition=1)
    asked: list[tuple[Command, Principal]] = [
        (pay(payer, payee, 1), member(holder)),
        (issue(payee, 1), OPERATOR_PRINCIPAL),
        (open_account(ids.new_id()), OPERATOR_PRINCIPAL),
    ]
    for command, who in asked:
        refusal = books.refused("invalid-request", command, who)
        assert [fault.code for fault in refusal.faults] == ["wrong-partition"]


def test_the_charter_is_kept_with_every_default(books: Books) -> None:
    record = books.accepted(create_currency(charter=charter()))
    kept = record.payload["sets"][1][4]["document"]
    assert kept["redemption"]["lot"] == "day"
    assert kept["limits"][0]["soft_per_day"] is None
    assert kept["fee"] is None


def test_the_currency_shows_the_limits_of_its_charter(books: Books) -> None:
    given = charter(limits=rows(credit_limit=50, maximum_balance=900))
    books.refused("invalid-request", create_currency(charter=given, default_credit_limit=40))
    refusal = books.refused("invalid-request", create_currency(charter=given, maximum_balance=40))
    assert faults(refusal) == ["/maximum_balance"]
    books.accepted(create_currency(charter=given, default_credit_limit=50))
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    assert (currency.default_credit_limit, currency.maximum_balance) == (50, 900)


def test_a_charter_says_of_its_currency_what_the_command_says(books: Books) -> None:
    assert contradicting(books, names={"en": "Other"})[0] == "/names"
    assert contradicting(books, kind="time")[0] == "/kind"
    assert contradicting(books, minor_units=60)[0] == "/minor_units"


def test_a_charter_that_contradicts_itself_creates_nothing(books: Books) -> None:
    assert contradicting(books, limits=rows(per_transfer=6, per_day=5)) == (
        "/limits/0/per_transfer",
        "6 is more than per_day, 5",
    )
    assert books.state.currencies["PUMA"] is None


def test_the_first_charter_names_no_accounts_since_there_are_none(books: Books) -> None:
    fee = FeeClause(to=ids.new_account_id(0), fixed=1)
    assert contradicting(books, fee=fee) == (
        "/fee/to",
        "no account of this currency is open yet; name one in version 2",
    )
