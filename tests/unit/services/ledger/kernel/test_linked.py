"""Linked transfers: all or nothing, each on top of those before it, across currencies."""

from typing import Any

import pytest

from services.ledger.kernel.transfers import leg_id
from shared.contracts import ids
from shared.contracts.charters import FeeClause, IssuanceClause, PurposeClause
from shared.contracts.commands import Goods, Leg, LinkedTransfers, Refund
from tests.support.ledger import IMPORT_PRINCIPAL, OPERATOR_PRINCIPAL, member
from tests.unit.services.ledger.kernel.books import Books, leg, rows

FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


@pytest.fixture
def books() -> Books:
    return Books("PUMA", "LEAF")


def linked(books: Books, *legs: Leg, **more: Any) -> LinkedTransfers:
    return LinkedTransfers(id=books.id(), legs=list(legs), **more)


def test_a_trade_between_two_currencies_is_one_record(books: Books) -> None:
    holder = ids.new_id()
    puma, leaf = books.account(100, holder=holder), books.account(0, "LEAF", holder=holder)
    shop_puma, shop_leaf = books.account(), books.account(70, "LEAF", holder=holder)
    command = linked(books, leg(puma, shop_puma, 60), leg(shop_leaf, leaf, 70, "LEAF"), memo="exchange")
    record = books.accept(command, member(holder))
    assert record.type == "transfers.linked"
    assert [each["id"] for each in record.payload["transfers"]] == [leg_id(command.id, n) for n in (0, 1)]
    assert [each["currency"] for each in record.payload["transfers"]] == ["PUMA", "LEAF"]
    assert record.payload["note"]
    assert b"exchange" not in record.body
    assert [books.total(each) for each in (puma, shop_puma, shop_leaf, leaf)] == [40, 60, 0, 70]
    thing = books.thing("leg", leg_id(command.id, 1))
    assert thing == {"command": command.id, "position": 1}


def test_a_leg_spends_what_one_before_it_brought_and_entries_are_netted(books: Books) -> None:
    holder = ids.new_id()
    one, two, three = books.account(50, holder=holder), books.account(holder=holder), books.account()
    record = books.accept(linked(books, leg(one, two, 50), leg(two, three, 50)), member(holder))
    assert record.payload["entries"] == [[one, "", -50, 0], [three, "", 50, 50]]
    books.refuse("insufficient-balance", linked(books, leg(two, three, 1), leg(one, two, 1)), member(holder))


def test_a_refusal_names_its_leg_and_leaves_nothing_behind(books: Books) -> None:
    holder = ids.new_id()
    one, two = books.account(50, holder=holder), books.account(maximum_balance=60, holder=holder)
    before = {id: dict(books.found(id).buckets) for id in (one, two)}
    refusal = books.refuse(
        "insufficient-balance", linked(books, leg(one, two, 30), leg(one, two, 30)), member(holder)
    )
    assert (refusal.parameters["leg"], refusal.parameters["available_amount"]) == (1, 20)
    refusal = books.refuse(
        "unknown-account", linked(books, leg(one, ids.new_id(), 1), leg(one, two, 1)), member(holder)
    )
    assert refusal.parameters["leg"] == 0
    books.accept(books.issue(two, 40))
    refusal = books.refuse(
        "maximum-balance", linked(books, leg(one, two, 15), leg(one, two, 6)), member(holder)
    )
    assert (refusal.parameters["leg"], refusal.parameters["room_amount"]) == (1, 5)
    assert books.found(one).buckets == before[one]
    assert len([key for key, thing in books.state.things.items() if key[0] == "leg" and thing]) == 0


def test_each_leg_needs_its_own_permission(books: Books) -> None:
    mine, other = books.account(50), books.account(50)
    command = linked(books, leg(mine, other, 1), leg(other, mine, 1))
    assert books.refuse("not-permitted", command, books.holder(mine)).parameters["leg"] == 1
    books.allow(other, "pay", who=books.holder(mine), limit=1)
    books.accept(command, books.holder(mine))
    command = linked(books, leg(other, mine, 1), leg(other, mine, 2))
    assert books.refuse("not-permitted", command, books.holder(mine)).parameters["leg"] == 1


def test_faults_point_into_their_leg() -> None:
    books = Books()
    books.currency(issuance=IssuanceClause(case_reference_required=True))
    account = books.account()
    good = leg(None, account, 5, kind="issuance")
    bread = [Goods(category="bread", amount=4)]
    for bad, pointer in (
        (leg(None, account, 5), "/legs/1/payer"),
        (leg(None, None, 5, kind="issuance"), "/legs/1/payee"),
        (leg(None, account, 5, kind="issuance", purpose="food"), "/legs/1/purpose"),
        (leg(account, account, 5, goods=bread), "/legs/1/goods"),
    ):
        command = linked(books, good, bad, case_reference="A-17")
        refusal = books.refuse("invalid-request", command, OPERATOR_PRINCIPAL)
        assert [fault.pointer for fault in refusal.faults] == [pointer]
    refusal = books.refuse("invalid-request", linked(books, good, good), OPERATOR_PRINCIPAL)
    assert [fault.pointer for fault in refusal.faults] == ["/case_reference"]
    books.accept(linked(books, good, good, case_reference="A-17"), OPERATOR_PRINCIPAL)


def test_aid_is_issued_for_several_purposes_at_once() -> None:
    books = Books()
    books.currency(purposes=[FOOD])
    account = books.account()
    books.accept(
        linked(
            books,
            leg(None, account, 30, kind="issuance", purpose="food"),
            leg(None, account, 20, kind="issuance"),
        )
    )
    assert books.held(account) == {"|food||": 30, "": 20}


def test_limits_count_every_leg_and_each_pays_its_fee() -> None:
    books = Books("PUMA")
    till = books.account()
    books.amend(limits=rows(per_transfer=10, per_day=25), fee=FeeClause(to=till, basis_points=1500))
    payer, payee = books.account(100), books.account()
    legs = [leg(payer, payee, amount) for amount in (10, 10, 6)]
    refusal = books.refuse("spending-limit", linked(books, *legs), books.holder(payer))
    assert (refusal.parameters["leg"], refusal.parameters["left_amount"]) == (2, 5)
    record = books.accept(linked(books, *legs[:2]), books.holder(payer))
    # Rounded down for each transfer: twice 1.5.
    assert [each["kept_back"] for each in record.payload["transfers"]] == [[["fee", till, 1]]] * 2
    assert (books.total(till), books.total(payee)) == (2, 18)


def test_a_leg_among_others_is_refunded_by_itself(books: Books) -> None:
    holder = ids.new_id()
    one, two = books.account(50, holder=holder), books.account()
    command = linked(books, leg(one, two, 30), leg(one, two, 5))
    books.accept(command, IMPORT_PRINCIPAL)
    books.accept(Refund(id=books.id(), transfer=leg_id(command.id, 1)), books.holder(two))
    refusal = books.refuse(
        "more-than-paid",
        Refund(id=books.id(), transfer=leg_id(command.id, 1), amount=1),
        books.holder(two),
    )
    assert refusal.parameters["left_amount"] == 0
    books.accept(Refund(id=books.id(), transfer=leg_id(command.id, 0), amount=30), books.holder(two))
