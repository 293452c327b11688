"""Reservations, refunds, linked transfers and an account's history, as queries tell them."""

from typing import Any

import pytest

from services.ledger.service import SERVICE
from shared.auth.principal import MEMBER, OPERATOR
from shared.contracts import ids
from shared.contracts.charters import ExpiryClause, FeeClause, PurposeClause
from shared.contracts.commands import (
    Approve,
    CloseAccount,
    Leg,
    LinkedTransfers,
    PostPending,
    Refund,
    Settle,
    VoidPending,
)
from shared.contracts.errors import Refusal
from shared.contracts.ledger import AccountTransferView, LinkedTransfersView, TransferView
from tests.support.charters import amendment, charter
from tests.support.exported import as_exported, exported
from tests.support.ledger import create_currency, issue, open_account, pay
from tests.support.travelling import Travel
from tests.support.writing import Ledger

CALLS = SERVICE.calls


@pytest.fixture
def ana(puma: Ledger) -> str:
    return ids.new_id()


def transfer(ledger: Ledger, id: str, subject: str = "op", *roles: str) -> dict[str, Any]:
    view: dict[str, Any] = ledger.ask(CALLS["get_transfer"], subject, *(roles or (OPERATOR,)), id=id)
    assert not TransferView().validate(view)
    return view


def pending(ledger: Ledger, account: str, **page: Any) -> Any:
    return ledger.ask(CALLS["list_pending"], "op", OPERATOR, account=account, **page)


def history(ledger: Ledger, account: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = ledger.ask(
            CALLS["list_account_transfers"], "op", OPERATOR, account=account, limit=2, cursor=cursor
        )
        assert not AccountTransferView(many=True).validate(page["data"])
        rows += page["data"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            assert exported(ledger, account) == [as_exported(row) for row in rows]
            return rows


def moved(rows: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return [(row["kind"], row["change"]["amount"], row["balance"]["amount"]) for row in rows]


def test_a_reservation_is_told_from_its_making_to_its_end(puma: Ledger, ana: str) -> None:
    ben = ids.new_id()
    purse, shop = puma.account(ana, issued=1_000), puma.account(ben)
    token, till = puma.token(ana, MEMBER), puma.token(ben, MEMBER)
    held = [puma.view(pay(purse, shop, amount, pending_seconds=60), token) for amount in (100, 50, 25)]
    assert [one["status"] for one in held] == ["pending"] * 3
    assert transfer(puma, held[0]["id"], ben, MEMBER) == held[0]
    for account in (purse, shop):
        assert pending(puma, account)["data"] == held[::-1]
    page = pending(puma, purse, limit=2)
    rest = pending(puma, purse, limit=2, cursor=page["next_cursor"])
    assert (page["data"] + rest["data"], rest["has_more"]) == (held[::-1], False)
    posted = puma.view(PostPending(id=ids.new_id(), pending=held[0]["id"], amount=70), till)
    puma.view(VoidPending(id=ids.new_id(), pending=held[1]["id"]), till)
    assert (posted["status"], posted["pending"]) == ("posted", held[0]["id"])
    assert transfer(puma, posted["id"]) == posted
    ended = transfer(puma, held[0]["id"])
    assert (ended["status"], ended["posted"]["amount"], ended["posting"]) == ("posted", 70, posted["id"])
    assert ended["amount"]["amount"] == 100
    assert transfer(puma, held[1]["id"])["status"] == "voided"
    assert pending(puma, shop)["data"] == [held[2]]
    assert moved(history(puma, purse)) == [("payment", -70, 930), ("issuance", 1_000, 1_000)]
    assert moved(history(puma, shop)) == [("payment", 70, 70)]


def test_a_reservation_lapses_whether_it_is_booked_or_not(ledger: Ledger, travel: Travel) -> None:
    with travel.days_ago(1):
        ledger.currency()
        ana = ids.new_id()
        purse, shop = ledger.account(ana, issued=1_000), ledger.account()
        held = ledger.view(pay(purse, shop, 100, pending_seconds=60), ledger.token(ana, MEMBER))
    assert transfer(ledger, held["id"])["status"] == "lapsed"
    assert pending(ledger, purse)["data"] == []
    ledger.view(Settle(id=ids.new_id(), account=purse), ledger.token("clock", "timekeeper"))
    assert transfer(ledger, held["id"])["status"] == "lapsed"
    assert moved(history(ledger, purse)) == [("issuance", 1_000, 1_000)]


def test_refunds_are_told_by_both_transfers(puma: Ledger, ana: str) -> None:
    ben = ids.new_id()
    purse, shop = puma.account(ana, issued=1_000), puma.account(ben)
    paid = puma.view(pay(purse, shop, 100), puma.token(ana, MEMBER))
    till = puma.token(ben, MEMBER)
    back = [puma.view(Refund(id=ids.new_id(), transfer=paid["id"], amount=part), till) for part in (30, 20)]
    assert [(one["kind"], one["of"], one["payer"]) for one in back] == [("refund", paid["id"], shop)] * 2
    assert transfer(puma, paid["id"])["refunded"]["amount"] == 50
    assert transfer(puma, back[0]["id"]) == back[0]
    rows = history(puma, purse)
    assert moved(rows)[:3] == [("refund", 20, 950), ("refund", 30, 930), ("payment", -100, 900)]
    assert [row.get("refunded", {}).get("amount") for row in rows[:3]] == [None, None, 50]


def test_linked_transfers_are_told_one_by_one_and_together(puma: Ledger, ana: str) -> None:
    puma.currency("LEAF")
    ben, eve = ids.new_id(), ids.new_id()
    purse, shop = puma.account(ana, issued=1_000), puma.account(ben)
    leaves = puma.account(eve, "LEAF")
    legs = [
        Leg(currency="PUMA", amount=40, payer=purse, payee=shop),
        Leg(currency="LEAF", amount=7, payee=leaves, kind="issuance"),
        Leg(currency="PUMA", amount=2, payer=purse, payee=shop),
    ]
    command = LinkedTransfers(id=ids.new_id(), legs=legs, memo="both")
    view = puma.view(command, puma.token(ana, MEMBER, OPERATOR))
    assert not LinkedTransfersView().validate(view)
    first, second, third = view["transfers"]
    assert {leg["linked"] for leg in view["transfers"]} == {command.id}
    assert [transfer(puma, leg["id"]) for leg in view["transfers"]] == [first, second, third]
    assert transfer(puma, first["id"], ben, MEMBER) == first
    for subject, id in ((ben, second["id"]), (ana, command.id)):
        with pytest.raises(Refusal) as caught:
            transfer(puma, id, subject, MEMBER)
        assert caught.value.slug == "not-found"
    linked = CALLS["get_linked_transfers"]
    assert puma.ask(linked, "op", OPERATOR, id=command.id) == view
    with pytest.raises(Refusal):
        puma.ask(linked, ana, MEMBER, id=command.id)
    [row, _] = history(puma, purse)
    assert (row["id"], row["change"]["amount"], row["others"]) == (first["id"], -42, 1)
    assert moved(history(puma, leaves)) == [("issuance", 7, 7)]


def test_only_those_who_see_the_payers_account_are_told_which_units_it_took(ledger: Ledger) -> None:
    food = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])
    ledger.view(create_currency(charter=charter(purposes=[food])))
    ana, ben = ids.new_id(), ids.new_id()
    purse, shop = ledger.account(ana, issued=100), ledger.account(ben, category="grocer")
    ledger.view(issue(purse, 30, purpose="food"))
    paid = ledger.view(pay(purse, shop, 50), ledger.token(ana, MEMBER))
    drawn = [(each["purpose"], each["amount"]["amount"]) for each in paid["drawn"]]
    assert drawn == [(None, 20), ("food", 30)]
    assert transfer(ledger, paid["id"], ana, MEMBER) == paid
    assert "drawn" not in transfer(ledger, paid["id"], ben, MEMBER)
    assert "drawn" not in history(ledger, shop)[0]
    assert history(ledger, purse)[0]["drawn"] == paid["drawn"]
    # Two buckets, one row.
    assert moved(history(ledger, purse))[0] == ("payment", -50, 80)


def test_fees_lapsed_units_and_the_remainder_of_a_closed_account_are_rows_of_their_own(
    ledger: Ledger, travel: Travel
) -> None:
    with travel.days_ago(60):
        ledger.view(create_currency(charter=charter()))
        ana, ben = ids.new_id(), ids.new_id()
        purse, shop, till = ledger.account(ana), ledger.account(ben), ledger.account()
        version = charter(fee=FeeClause(to=till, fixed=3), expiry=ExpiryClause(after_days=10, notice_days=3))
        now = int(travel.now_ns() // 1000)
        proposed = amendment(2, now + 3_600_000_000, version)
        ledger.view(proposed)
        approve(ledger, proposed.id)
    with travel.days_ago(50):
        ledger.view(issue(purse, 500))
        paid = ledger.view(pay(purse, shop, 100), ledger.token(ana, MEMBER))
        kept = [(each["reason"], each["account"], each["amount"]["amount"]) for each in paid["kept_back"]]
        assert kept == [("fee", till, 3)]
        [row] = history(ledger, till)
        assert (row["kind"], row["change"]["amount"], row["counterparty"]) == ("payment", 3, purse)
    ledger.view(Settle(id=ids.new_id(), account=purse), ledger.token("clock", "timekeeper"))
    own = ledger.ask(CALLS["get_currency"], "x", id="PUMA")["redemption_account"]
    [lapsed, *_] = history(ledger, purse)
    assert moved([lapsed]) == [("expiry", -400, 0)]
    assert (lapsed["expired"]["amount"], lapsed["counterparty"]) == (400, own)
    heir = ledger.view(open_account(ben))["id"]
    ledger.view(CloseAccount(id=ids.new_id(), account=shop, remainder_to=heir))
    assert moved(history(ledger, shop))[0] == ("closing", -97, 0)
    assert moved(history(ledger, heir)) == [("closing", 97, 97)]


def approve(ledger: Ledger, proposal: str) -> None:
    ledger.view(Approve(id=ids.new_id(), proposal=proposal), ledger.token("two", OPERATOR))
