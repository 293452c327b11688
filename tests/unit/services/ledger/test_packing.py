"""Payloads as they are stored: the same bytes when read, whatever they say, and smaller where it counts."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.decide import RANDOM_BYTES
from services.ledger.kernel.plain import PlainPayments
from services.ledger.kernel.record import Record, canonical
from services.ledger.writer.packing import pack, unpack
from shared.contracts import clock, ids
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
    stored = pack(record)
    assert unpack(stored) == record.body
    assert len(stored) * 4 < len(record.body)


def test_whatever_else_is_recorded_comes_back_as_it_was(books: Books) -> None:
    _payment(books, memo="bread")
    for record in books.records:
        assert unpack(pack(record)) == record.body


@pytest.mark.parametrize("named", ["tools", "", HOLDER.upper(), HOLDER[:-1], f"{HOLDER}0", "-" * 36])
def test_a_principal_that_is_no_id_comes_back_as_it_was(books: Books, named: str) -> None:
    record = _payment(books)
    payload = {**record.payload, "principal": named}
    assert unpack(pack(_saying(record, payload))) == canonical(payload)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "amount", "payer", "note", "currency"]), st.text() | st.integers()
    )
)
def test_other_words_in_the_same_places_come_back_as_they_were(changed: dict[str, str | int]) -> None:
    books = Books()
    books.accepted(create_currency())
    record = _payment(books)
    payload = record.payload
    payload = {**payload, "transfer": {"id": payload["transfer"]["id"], "currency": "PUMA"} | changed}
    if isinstance(payload["transfer"]["currency"], str):
        assert unpack(pack(_saying(record, payload))) == canonical(payload)


@pytest.mark.parametrize("who", [HOLDER, "tools", HOLDER.upper(), 'a "quoted" name'])
def test_what_the_short_way_made_is_stored_like_all_else(books: Books, who: str) -> None:
    """Without looking at it again."""
    payer, payee = books.account(who, issued=1_000), books.account()
    books.accepted(pay(payer, payee, 1), member(who))
    plain = PlainPayments(books.state, clock.now_us())
    record = plain.decide(pay(payer, payee, 250), member(who), bytes(RANDOM_BYTES))
    assert record is not None
    assert record.moved
    assert pack(record) == pack(replace(record, moved=None))
    assert unpack(pack(record)) == record.body == canonical(record.payload)


def _saying(record: Record, payload: dict[str, Any]) -> Record:
    return replace(record, body=canonical(payload), decoded=None, moved=None)


def test_damage_leads_to_other_bytes_and_to_no_error(books: Books) -> None:
    record = _payment(books)
    stored = pack(record)
    for position in range(len(stored)):
        for bit in range(8):
            damaged = bytearray(stored)
            damaged[position] ^= 1 << bit
            assert unpack(bytes(damaged)) != record.body
        assert unpack(stored[:position]) != record.body


def test_what_older_code_stored_is_read_as_it_is(books: Books) -> None:
    record = books.accepted(issue(books.account(), 5), OPERATOR_PRINCIPAL)
    assert unpack(record.body) == record.body
