"""A plain payment, gathered in a few steps, changes what any other record that says the same would change."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given

from services.dashboard.projection.book import Book
from services.dashboard.projection.facts import Facts, Payment, Unappliable, read, read_all
from shared.contracts.journal import JournalRecord
from shared.contracts.money import MAX_AMOUNT
from tests.integration.dashboard.test_projection_equals_naive import journals
from tests.unit.services.dashboard.journal import Journal, at


def gathered(records: Sequence[JournalRecord], how: Callable[[JournalRecord], Facts | Payment]) -> Book:
    book = Book({}, {})
    for record in records:
        book.enter(how(record))
    return book


@given(journals())
def test_payments_gather_to_the_same_book(journal: Journal) -> None:
    assert gathered(journal.records, read) == gathered(journal.records, read_all)


@given(journals())
def test_a_payment_has_the_facts_of_its_record(journal: Journal) -> None:
    for record in journal.records:
        facts = read(record)
        assert (facts.facts() if isinstance(facts, Payment) else facts) == read_all(record)


def a_payment() -> dict[str, object]:
    transfer = {"id": "t", "kind": "payment", "payer": "a", "payee": "b", "amount": 5}
    return {"accounts": [], "entries": [["a", "", -5, 1], ["b", "", 5, 6]], "transfer": transfer}


def told(payload: dict[str, object], when: int = at(0)) -> JournalRecord:
    record = Journal().record("transfer.posted", at(0), transfer=None)
    return JournalRecord(
        record.partition, "", 1, record.type, when, when, record.prev_hash, record.hash, payload
    )


def test_a_plain_payment_is_read_as_one() -> None:
    assert read(told(a_payment())) == Payment(0, 1, at(0), "a", "b", 5)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("settled", {"expired": [["a", "", 1]]}),
        ("accounts", [{"id": "c", "currency": "PUMA", "kind": "member"}]),
        ("entries", [["a", "", -5, 1], ["b", "", 4, 6], ["c", "", 1, 1]]),
        ("entries", [["a", "", -5, 1], ["b", "", 4, 6]]),
        ("entries", [["a", "", -5, 1], ["c", "", 5, 6]]),
        ("transfer", {"kind": "refund", "payer": "a", "payee": "b", "amount": 5}),
        (
            "transfer",
            {"kind": "payment", "payer": "a", "payee": "b", "amount": 5, "kept_back": [["fee", "c", 1]]},
        ),
    ],
)
def test_what_is_more_than_a_payment_is_read_in_full(where: str, value: object) -> None:
    record = told({**a_payment(), where: value})
    assert read(record) == read_all(record)


@pytest.mark.parametrize(
    "change",
    [
        {"entries": [["a", "", -5.0, 1], ["b", "", 5.0, 6]]},
        {"transfer": {"kind": "payment", "payer": "a", "payee": "b", "amount": 5.0}},
        {"transfer": {"kind": "payment", "payer": "a", "amount": 5}},
        {"entries": [["a", "", -5], ["b", "", 5]]},
        {
            "entries": [["a", "", -MAX_AMOUNT - 1, 1], ["b", "", MAX_AMOUNT + 1, 6]],
            "transfer": {"kind": "payment", "payer": "a", "payee": "b", "amount": MAX_AMOUNT + 1},
        },
    ],
)
def test_what_cannot_be_read_is_refused_by_both(change: dict[str, object]) -> None:
    record = told(a_payment() | change)
    for how in (read, read_all):
        with pytest.raises(Unappliable, match="unreadable"):
            how(record)


def test_a_time_beyond_all_calendars_is_refused() -> None:
    with pytest.raises(Unappliable, match="unreadable"):
        read(told(a_payment(), -1))
