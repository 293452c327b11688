"""Payloads as they are stored: the same bytes when read, whatever they say, and smaller where it counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.record import Record, canonical
from services.ledger.writer.packing import pack, unpack
from shared.contracts import ids
from tests.support.ledger import OPERATOR_PRINCIPAL, Books, create_currency, issue, member, pay

HOLDER = ids.new_id()


@pytest.fixture
def books() -> Books:
    books = Books()
    books.accepted(create_currency())
    return books


def _payment(books: Books, **more: str) -> Record:
    payer, payee = books.account(HOLDER, issued=1_000), books.account()
    return books.accepted(pay(payer, payee, 250, **more), member(HOLDER))


def test_a_payment_takes_a_quarter_and_comes_back_as_it_was(books: Books) -> None:
    record = _payment(books)
    stored = pack(record.payload, record.body)
    assert unpack(stored) == record.body
    assert len(stored) * 4 < len(record.body)


def test_whatever_else_is_recorded_comes_back_as_it_was(books: Books) -> None:
    _payment(books, memo="bread")
    for record in books.records:
        assert unpack(pack(record.payload, record.body)) == record.body


@pytest.mark.parametrize("named", ["tools", "", HOLDER.upper(), HOLDER[:-1], f"{HOLDER}0", "-" * 36])
def test_a_principal_that_is_no_id_comes_back_as_it_was(books: Books, named: str) -> None:
    payload = {**_payment(books).payload, "principal": named}
    assert unpack(pack(payload, canonical(payload))) == canonical(payload)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "amount", "payer", "note", "currency"]), st.text() | st.integers()
    )
)
def test_other_words_in_the_same_places_come_back_as_they_were(changed: dict[str, str | int]) -> None:
    books = Books()
    books.accepted(create_currency())
    payload = _payment(books).payload
    payload = {**payload, "transfer": {"id": payload["transfer"]["id"], "currency": "PUMA"} | changed}
    if isinstance(payload["transfer"]["currency"], str):
        assert unpack(pack(payload, canonical(payload))) == canonical(payload)


def test_damage_leads_to_other_bytes_and_to_no_error(books: Books) -> None:
    record = _payment(books)
    stored = pack(record.payload, record.body)
    for position in range(len(stored)):
        for bit in range(8):
            damaged = bytearray(stored)
            damaged[position] ^= 1 << bit
            assert unpack(bytes(damaged)) != record.body
        assert unpack(stored[:position]) != record.body


def test_what_older_code_stored_is_read_as_it_is(books: Books) -> None:
    record = books.accepted(issue(books.account(), 5), OPERATOR_PRINCIPAL)
    assert unpack(record.body) == record.body
