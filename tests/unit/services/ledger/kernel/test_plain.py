"""The short way of plain payments: which ones take it, and that it ends where the long one does."""

import copy
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.apply import BrokenRecord, apply
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.plain import PlainPayments
from services.ledger.kernel.record import Record
from services.ledger.kernel.rules import Rules
from services.ledger.kernel.state import State
from services.ledger.views import record_view
from shared.auth.principal import IMPORTER, OPERATOR, Principal
from shared.contracts import clock, ids
from shared.contracts.charters import Charter, FeeClause, Penalty, RedemptionClause
from shared.contracts.commands import Command
from shared.contracts.money import MAX_AMOUNT
from tests.support.ledger import Books, charter, create_currency, member, pay, principal

HOLDER = ids.new_id()
NOW = clock.now_us()
HOUR_MS = 3_600_000
SALT = secrets.token_bytes(RANDOM_BYTES)


class Payers(Books):
    """Two accounts in a currency, of which one has something to pay with."""

    def __init__(self, rules: Charter | None = None) -> None:
        super().__init__()
        self.accepted(create_currency(charter=rules) if rules else create_currency())
        self.payer = self.account(HOLDER, issued=1_000)
        self.payee = self.account()
        # The charter has been read once the first payment has been decided.
        self.accepted(pay(self.payer, self.payee, 1), member(HOLDER))

    def shortly(self, command: Command, who: Principal | None = None) -> Record | None:
        plain = PlainPayments(self.state, max(clock.now_us(), self.state.header.recorded_at))
        record = plain.decide(command, who or member(HOLDER), SALT)
        # Whoever is told that all is loaded must be right.
        assert record is None or plain.covers(command)
        return record

    def change(self, id: str, **fields: Any) -> None:
        account = self.state.accounts[id]
        assert account is not None
        self.state.accounts[id] = replace(account, **fields)


@pytest.fixture(scope="module")
def books() -> Payers:
    return Payers()


def test_the_usual_payment_takes_the_short_way(books: Payers) -> None:
    assert books.shortly(pay(books.payer, books.payee, 5)) is not None


@pytest.mark.parametrize(
    "more",
    [
        {"memo": "bread"},
        {"case_reference": "case-1"},
        {"up_to": True},
        {"pending_seconds": 60},
        {"purpose": "food"},
        {"occurred_at": 1},
        {"kind": "redemption"},
        {"currency": "NONE"},
        {"payee": None},
        {"payee": ids.new_account_id(0)},
        {"amount": 1_000_000},
        {"id": ids.new_id(now_ms=NOW // 1000 - 8 * 24 * HOUR_MS)},
        {"id": ids.new_id(now_ms=NOW // 1000 + HOUR_MS)},
        {"id": ids.derived_id("anything")},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_not_so_simple_goes_the_long_way(books: Payers, more: dict[str, Any]) -> None:
    fields = {"payer": books.payer, "payee": books.payee, "amount": 5, **more}
    assert books.shortly(pay(**fields)) is None


@pytest.mark.parametrize(
    "who", [member(ids.new_id()), principal("the-operator", OPERATOR), principal("tools", IMPORTER)]
)
def test_only_the_holder_takes_the_short_way(books: Payers, who: Principal) -> None:
    assert books.shortly(pay(books.payer, books.payee, 5), who) is None


@pytest.mark.parametrize(
    "terms", [{"frozen": "out"}, {"frozen": "all"}, {"closed": True}, {"own": {"per_day": 5}}, {"charter": 2}]
)
@pytest.mark.parametrize("party", ["payer", "payee"])
def test_what_is_agreed_with_an_account_goes_the_long_way(party: str, terms: dict[str, Any]) -> None:
    books = Payers()
    books.change(getattr(books, party), terms=terms)
    assert books.shortly(pay(books.payer, books.payee, 5)) is None


@pytest.mark.parametrize("party", ["payer", "payee"])
def test_units_that_are_told_apart_go_the_long_way(party: str) -> None:
    books = Payers()
    for plain, special in ((0, {"2026-12-31|||": 5}), (10, {"|food||": 5})):
        books.change(getattr(books, party), plain=plain, special=special)
        assert books.shortly(pay(books.payer, books.payee, 5)) is None


@pytest.mark.parametrize(
    "rules",
    [
        lambda: replaced(fee=FeeClause(to=ids.new_account_id(0), fixed=1)),
        lambda: charter(per_day=100_000),
        lambda: charter(soft_credit_limit=5),
        lambda: replaced(redemption=RedemptionClause(penalties=[Penalty(under_days=9, basis_points=5)])),
    ],
    ids=["fee", "limit", "soft limit", "penalty"],
)
def test_charters_that_keep_back_or_count_go_the_long_way(rules: Callable[[], Charter]) -> None:
    books = Payers()
    books.state.rules["PUMA", "1"] = Rules(rules(), 1)
    assert books.shortly(pay(books.payer, books.payee, 5)) is None


AMOUNTS = st.integers(1, 20) | st.just(MAX_AMOUNT)


@given(
    left=st.integers(-20, 20),
    credit=st.integers(0, 20) | st.just(MAX_AMOUNT),
    held=st.integers(-20, 20) | st.just(MAX_AMOUNT - 5),
    room=st.integers(0, 20),
    amount=AMOUNTS,
    terms=st.sampled_from([{}, {"charter": 1, "level": 2}, {"place": "polígono-sur"}]),
)
def test_both_ways_end_at_the_same(
    books: Payers, left: int, credit: int, held: int, room: int, amount: int, terms: dict[str, Any]
) -> None:
    books.change(books.payer, total=left, plain=left, floor=-credit, terms=terms)
    ceiling = min(MAX_AMOUNT, held + room)
    books.change(books.payee, total=held, plain=held, ceiling=ceiling)
    command = pay(books.payer, books.payee, amount)
    now = max(clock.now_us(), books.state.header.recorded_at)
    expected = decide(books.needed(command, now), command, member(HOLDER), now, SALT)
    shortly = PlainPayments(books.state, now).decide(command, member(HOLDER), SALT)
    if shortly is None or not isinstance(expected, Record):
        assert shortly is None
        assert not isinstance(expected, Record)
        return
    assert shortly == expected
    assert shortly.payload == expected.payload
    views = [record_view(each, lambda _: 100, lambda _: True) for each in (shortly, expected)]
    assert views[0] == views[1]
    # What has been moved are the accounts of the state that it is applied to.
    one, made = copy.deepcopy((books.state, shortly))
    assert _standing(apply(one, made)) == _standing(apply(copy.deepcopy(books.state), expected))


def _standing(state: State) -> tuple[Any, ...]:
    """A state, but for charters read already."""
    return state.header, state.accounts, state.commands, state.things, state.next_account


@pytest.mark.parametrize(
    "wrong",
    [
        lambda moved: moved._replace(payee=moved.payer),
        lambda moved: moved._replace(amount=-moved.amount, left=moved.held, held=moved.left),
        lambda moved: moved._replace(left=moved.left + 1),
        lambda moved: moved._replace(held=moved.held - 1),
    ],
    ids=["itself", "backwards", "left", "held"],
)
def test_what_moves_otherwise_is_not_applied(wrong: Callable[[Any], Any]) -> None:
    books = Payers()
    record = books.shortly(pay(books.payer, books.payee, 5))
    assert record is not None
    before = copy.deepcopy(books.state)
    with pytest.raises(BrokenRecord):
        apply(books.state, replace(record, moved=wrong(record.moved)))
    assert _standing(books.state) == _standing(before)


@pytest.mark.parametrize(
    ("party", "wrong"),
    [
        ("payer", {"plain": 1, "special": {"|food||": 994}}),
        ("payer", {"floor": 995}),
        ("payee", {"ceiling": 5}),
        ("payee", {"currency": "OTHER"}),
        ("payee", {"total": MAX_AMOUNT, "plain": MAX_AMOUNT}),
    ],
)
def test_what_the_accounts_do_not_allow_is_not_applied(party: str, wrong: dict[str, Any]) -> None:
    books = Payers()
    record = books.shortly(pay(books.payer, books.payee, 5))
    assert record is not None
    account = books.state.accounts[getattr(books, party)]
    for name, value in wrong.items():
        setattr(account, name, value)
    before = copy.deepcopy(books.state)
    with pytest.raises(BrokenRecord):
        apply(books.state, record)
    assert _standing(books.state) == _standing(before)


def test_a_record_has_the_same_effect_on_a_copy_of_its_state() -> None:
    books = Payers()
    record = books.shortly(pay(books.payer, books.payee, 5))
    assert record is not None
    one, other = copy.deepcopy(books.state), copy.deepcopy(books.state)
    assert _standing(apply(one, record)) == _standing(apply(other, replace(record, moved=None)))


def replaced(**clauses: Any) -> Charter:
    return msgspec.structs.replace(charter(), **clauses)
