"""Records that do not fit are never applied, and histories keep every promise of the books."""

import copy
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.apply import BrokenRecord, apply
from services.ledger.kernel.record import GENESIS, Record, chain, note_hash, seal, unseal
from services.ledger.kernel.state import State, whole_state
from shared.contracts import ids
from shared.contracts.commands import Transfer
from shared.contracts.money import MAX_AMOUNT
from tests.support.ledger import IMPORT_PRINCIPAL, Books, create_currency, pay


@pytest.fixture
def books() -> Books:
    books = Books()
    books.accepted(create_currency())
    return books


def test_the_hash_covers_predecessor_salt_header_and_payload(books: Books) -> None:
    record = books.records[0]
    inner = hashlib.sha256(record.salt + record.header + record.body).digest()
    assert record.hash == hashlib.sha256(bytes(32) + inner).digest()
    assert record.header.startswith(b'[1,0,"' + books.timeline.encode() + b'",1,"currency.created",')
    assert record.body.startswith(b'{"accounts":[{"category":null,"ceiling":0,')


def test_a_record_is_read_as_it_was_written(books: Books) -> None:
    account = books.account(issued=5)
    record = books.accepted(pay(account, books.account(), 5, memo="olé"), IMPORT_PRINCIPAL)
    again = unseal(
        record.header, record.body, record.salt, record.prev_hash, record.hash, record.command, record.note
    )
    assert again == record
    assert record.note is not None
    assert record.payload["transfer"]["note"] == note_hash(record.note)


def test_a_broken_record_is_not_applied(books: Books) -> None:
    payer, payee = books.account(issued=100), books.account()
    header = books.state.header

    def record(entries: list[list[object]], **more: object) -> Record:
        fields = {
            "sequence": header.sequence + 1,
            "prev_hash": header.hash,
            "recorded_at": header.recorded_at,
        }
        payload = {"accounts": [], "entries": entries, "principal": "x", "transfer": {}}
        fields |= {"partition": 0, "timeline": books.timeline, "type": "transfer.posted", "occurred_at": 1}
        return seal(**{**fields, "command": ids.new_id(), "payload": payload, "salt": bytes(32), **more})  # type: ignore[arg-type]

    sound = [[payer, "", -60, 40], [payee, "", 60, 60]]
    for broken in (
        record([[payer, "", -60, 41], [payee, "", 60, 60]]),
        record([[payer, "", -60, 40], [payee, "", 61, 61]]),
        record([[payer, "", -101, -1], [payee, "", 101, 101]]),
        record([[ids.new_id(), "", -60, 40], [payee, "", 60, 60]]),
        record(sound, sequence=header.sequence + 2),
        record(sound, prev_hash=GENESIS),
        record(sound, recorded_at=header.recorded_at - 1),
        record(sound, timeline=ids.new_id()),
    ):
        with pytest.raises(BrokenRecord):
            apply(copy.deepcopy(books.state), broken)
    apply(books.state, record(sound))


def test_money_may_lie_in_buckets_and_empty_ones_vanish(books: Books) -> None:
    payer, payee = books.account(issued=100), books.account()

    def book(*entries: list[object]) -> None:
        header = books.state.header
        fields = {"accounts": [], "entries": list(entries), "principal": "x", "transfer": {}}
        apply(
            books.state,
            seal(
                partition=0,
                timeline=books.timeline,
                sequence=header.sequence + 1,
                prev_hash=header.hash,
                type="transfer.posted",
                recorded_at=header.recorded_at,
                occurred_at=1,
                command=ids.new_id(),
                payload=fields,
                salt=bytes(32),
            ),
        )

    book([payer, "", -60, 40], [payee, "food", 60, 60])
    assert (books.total(payee), books.state.accounts[payee].buckets) == (60, {"food": 60})  # type: ignore[union-attr]
    book([payee, "food", -60, 0], [payee, "", 60, 60])
    assert (books.total(payee), books.state.accounts[payee].buckets) == (60, {"": 60})  # type: ignore[union-attr]


moves = st.lists(
    st.tuples(
        st.sampled_from(["payment", "payment", "payment", "issuance", "redemption"]),
        st.integers(0, 4),
        st.integers(0, 4),
        st.one_of(st.integers(1, 400), st.integers(1, MAX_AMOUNT)),
        st.sampled_from(["BACK", "MUTU"]),
    ),
    max_size=60,
)


def _history(steps: list[tuple[str, int, int, int, str]]) -> Books:
    books = Books()
    books.accepted(create_currency("BACK"))
    books.accepted(
        create_currency("MUTU", kind="mutual_credit", default_credit_limit=300, maximum_balance=500)
    )
    accounts = {code: [books.account(currency=code) for _ in range(5)] for code in ("BACK", "MUTU")}
    for kind, one, two, amount, code in steps:
        payer = None if kind == "issuance" else accounts[code][one]
        payee = None if kind == "redemption" else accounts[code][two]
        command = Transfer(id=ids.new_id(), kind=kind, currency=code, amount=amount, payer=payer, payee=payee)  # type: ignore[arg-type]
        books.submit(command, IMPORT_PRINCIPAL)
    return books


@given(moves)
def test_sums_are_zero_and_no_limit_is_broken_whatever_happens(
    steps: list[tuple[str, int, int, int, str]],
) -> None:
    books = _history(steps)
    accounts = [account for account in books.state.accounts.values() if account is not None]
    for code in ("BACK", "MUTU"):
        assert sum(account.total for account in accounts if account.currency == code) == 0
    for account in accounts:
        assert account.floor <= account.total <= account.ceiling
        assert account.total == sum(account.buckets.values())


@given(moves)
def test_the_journal_alone_gives_the_same_state_and_its_chain_verifies(
    steps: list[tuple[str, int, int, int, str]],
) -> None:
    books = _history(steps)
    rebuilt: State = whole_state(0, books.timeline)
    previous = GENESIS
    for record in books.records:
        stored = unseal(record.header, record.body, record.salt, previous, record.hash, record.command)
        assert chain(previous, stored.salt, stored.header, stored.body) == stored.hash
        apply(rebuilt, stored)
        previous = stored.hash
    assert rebuilt.header == books.state.header
    assert rebuilt.accounts == books.state.accounts
    assert rebuilt.currencies == books.state.currencies


def test_a_changed_byte_changes_the_hash(books: Books) -> None:
    record = books.records[0]
    changed = replace(record, body=record.body.replace(b"seville", b"sevilla"))
    assert chain(changed.prev_hash, changed.salt, changed.header, changed.body) != record.hash
