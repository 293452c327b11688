"""What is told of others: to who gets a fee, to who is paid, and in the rows of an account that has ended."""

from typing import Any

import pytest

from services.ledger.service import SERVICE
from shared.auth.principal import MEMBER, OPERATOR
from shared.contracts import ids
from shared.contracts.charters import (
    ExpiryClause,
    FeeClause,
    Penalty,
    PurposeClause,
    RedemptionClause,
)
from shared.contracts.commands import (
    Approve,
    CloseAccount,
    LinkedTransfers,
    PostPending,
    Refund,
    Reverse,
    SetDelegate,
)
from shared.contracts.errors import Refusal
from shared.contracts.ledger import AccountTransferView
from tests.support.charters import amendment, charter, rows
from tests.support.exported import as_exported
from tests.support.ledger import create_currency, issue, leg, pay, redeem
from tests.support.travelling import Travel
from tests.support.writing import Ledger

CALLS = SERVICE.calls
FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


def amended(ledger: Ledger, travel: Travel, **clauses: Any) -> None:
    """Let another charter hold since an hour after the time that it is."""
    proposed = amendment(2, int(travel.now_ns() // 1000) + 3_600_000_000, charter(**clauses))
    ledger.view(proposed)
    ledger.view(Approve(id=ids.new_id(), proposal=proposed.id), ledger.token("two", OPERATOR))


def history(ledger: Ledger, account: str, subject: str, role: str = MEMBER) -> list[dict[str, Any]]:
    """An account's rows as somebody is shown them, and is given them as a table."""
    shown = ledger.ask(CALLS["list_account_transfers"], subject, role, account=account)["data"]
    assert not AccountTransferView(many=True).validate(shown)
    table = ledger.ask(CALLS["export_account_transfers"], subject, role, account=account)["rows"]
    assert table == [as_exported(row) for row in shown]
    rows: list[dict[str, Any]] = shown
    return rows


def transfer(ledger: Ledger, id: str, subject: str) -> dict[str, Any]:
    view: dict[str, Any] = ledger.ask(CALLS["get_transfer"], subject, MEMBER, id=id)
    return view


def test_who_gets_a_fee_is_not_told_whose_payment_it_was(ledger: Ledger, travel: Travel) -> None:
    ana, ben, eve = (ids.new_id() for _ in range(3))
    with travel.days_ago(2):
        ledger.view(create_currency(charter=charter()))
        purse, shop, till = ledger.account(ana), ledger.account(ben), ledger.account(eve)
        penalties = RedemptionClause(penalties=[Penalty(under_days=30, basis_points=1000)], penalty_to=till)
        amended(ledger, travel, fee=FeeClause(to=till, fixed=3), redemption=penalties)
    own = ledger.token(ana, MEMBER)
    ledger.view(issue(purse, 500))
    paid = ledger.view(pay(purse, shop, 100, memo="for the doctor", case_reference="C-1"), own)
    legs = [leg(purse, shop, 20), leg(purse, shop, 30)]
    linked = ledger.view(LinkedTransfers(id=ids.new_id(), legs=legs, memo="secret"), own)
    redeemed = ledger.view(redeem(purse, 40, memo="rent"), own)
    ledger.view(Refund(id=ids.new_id(), transfer=paid["id"], amount=10), ledger.token(ben, MEMBER))
    penalty, both, fee = rows = history(ledger, till, eve)
    assert [row["id"] for row in rows] == [redeemed["id"], linked["transfers"][0]["id"], paid["id"]]
    assert [row["kind"] for row in rows] == ["redemption", "payment", "payment"]
    assert [row["change"]["amount"] for row in rows] == [4, 6, 3]
    assert [row["amount"]["amount"] for row in rows] == [4, 3, 3]
    assert [[kept["reason"] for kept in row["kept_back"]] for row in rows] == [["penalty"], ["fee"], ["fee"]]
    assert (both["others"], fee["payee"]) == (1, till)
    told = str(rows)
    for secret in (purse, shop, "doctor", "C-1", "secret", "rent", "refunded", linked["id"]):
        assert secret not in told, secret
    assert (penalty["counterparty"], penalty["payer"], penalty["memo"]) == ("", "", "")
    with pytest.raises(Refusal) as caught:
        transfer(ledger, paid["id"], eve)
    assert caught.value.slug == "not-found"


def test_who_sees_a_party_is_told_the_payment_that_a_fee_came_from(ledger: Ledger, travel: Travel) -> None:
    ana, eve = ids.new_id(), ids.new_id()
    with travel.days_ago(2):
        ledger.view(create_currency(charter=charter()))
        purse, shop, till = ledger.account(ana, issued=500), ledger.account(), ledger.account(eve)
        amended(ledger, travel, fee=FeeClause(to=till, fixed=3))
    own = ledger.token(ana, MEMBER)
    ledger.view(pay(purse, shop, 100, memo="bread"), own)
    [row] = history(ledger, till, "op", OPERATOR)
    assert (row["counterparty"], row["amount"]["amount"], row["memo"]) == (purse, 100, "bread")
    assert history(ledger, till, eve)[0]["counterparty"] == ""
    ledger.view(SetDelegate(id=ids.new_id(), account=purse, subject=eve, rights=["view"]), own)
    assert history(ledger, till, eve) == [row]


def test_what_lapsed_with_a_command_shows_nothing_that_was_written_with_it(
    ledger: Ledger, travel: Travel
) -> None:
    ana, eve = ids.new_id(), ids.new_id()
    with travel.days_ago(60):
        ledger.view(create_currency(charter=charter(expiry=ExpiryClause(after_days=10, notice_days=1))))
        shop = ledger.account(eve, issued=70)
    purse = ledger.account(ana, issued=50)
    held = pay(purse, shop, 5, pending_seconds=60, memo="between us", case_reference="C-1")
    ledger.view(held, ledger.token(ana, MEMBER))
    [lapsed, _] = history(ledger, shop, eve)
    assert (lapsed["kind"], lapsed["change"]["amount"]) == ("expiry", -70)
    assert (lapsed["memo"], lapsed["case_reference"]) == ("", "")


def test_who_is_paid_is_never_told_which_units_it_was_with(ledger: Ledger) -> None:
    ledger.view(create_currency(charter=charter(purposes=[FOOD])))
    ana, ben = ids.new_id(), ids.new_id()
    purse, shop = ledger.account(ana, issued=100), ledger.account(ben, category="grocer")
    ledger.view(issue(purse, 90, purpose="food"))
    own, tills = ledger.token(ana, MEMBER), ledger.token(ben, MEMBER)
    held = [ledger.view(pay(purse, shop, 20, pending_seconds=60), own) for _ in range(2)]
    assert held[0]["drawn"][0]["purpose"] == "food"
    posting = PostPending(id=ids.new_id(), pending=held[0]["id"])
    posted = ledger.view(posting, tills)
    assert "drawn" not in posted
    assert ledger.view(posting, tills) == posted
    assert transfer(ledger, posted["id"], ana)["drawn"] == held[0]["drawn"]
    assert "drawn" in ledger.view(PostPending(id=ids.new_id(), pending=held[1]["id"]))
    # Given back, it is the shop that pays.
    ledger.view(issue(shop, 50, purpose="food"))
    asked = Reverse(id=ids.new_id(), transfer=posted["id"])
    ledger.view(asked, tills)
    back = ledger.view(Approve(id=ids.new_id(), proposal=asked.id), own)
    assert (back["kind"], back["payer"]) == ("reversal", shop)
    assert "drawn" not in back
    assert "drawn" in transfer(ledger, back["id"], ben)


def test_soft_limits_of_the_payer_are_for_the_payer_to_know(ledger: Ledger) -> None:
    ledger.view(create_currency(charter=charter(limits=rows(credit_limit=500, soft_credit_limit=50))))
    ana, ben = ids.new_id(), ids.new_id()
    purse, shop = ledger.account(ana), ledger.account(ben)
    own = ledger.token(ana, MEMBER)
    paid = ledger.view(pay(purse, shop, 100), own)
    assert paid["warnings"] == ["soft-credit-limit"]
    assert transfer(ledger, paid["id"], ana) == paid
    assert "warnings" not in transfer(ledger, paid["id"], ben)
    assert history(ledger, purse, ana)[0]["warnings"] == paid["warnings"]
    assert "warnings" not in history(ledger, shop, ben)[0]
    held = ledger.view(pay(purse, shop, 10, pending_seconds=60), own)
    assert held["warnings"] == paid["warnings"]
    pending = [
        ledger.ask(CALLS["list_pending"], subject, MEMBER, account=account)["data"][0]
        for subject, account in ((ana, purse), (ben, shop))
    ]
    assert ["warnings" in each for each in pending] == [True, False]


def test_a_closed_account_s_remainder_is_told_beside_what_lapsed(ledger: Ledger, travel: Travel) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    with travel.days_ago(40):
        version = charter(purposes=[FOOD], expiry=ExpiryClause(after_days=30))
        ledger.view(create_currency(charter=version))
        purse, heir = ledger.account(ana, issued=10), ledger.account(ben, issued=7)
    with travel.days_ago(20):
        ledger.view(issue(purse, 90))
    ledger.view(CloseAccount(id=ids.new_id(), account=purse, remainder_to=heir), ledger.token(ana, MEMBER))
    [closed, *_], [taken, *_] = history(ledger, purse, ana), history(ledger, heir, ben)
    for row in (closed, taken):
        assert (row["kind"], row["payer"], row["payee"], row["amount"]["amount"]) == (
            *("closing", purse, heir),
            90,
        )
    assert (closed["change"]["amount"], closed["expired"]["amount"]) == (-100, 10)
    assert (taken["change"]["amount"], taken["expired"]["amount"]) == (83, 7)
    assert (closed["counterparty"], taken["counterparty"]) == (heir, purse)
    own = ledger.ask(CALLS["get_currency"], "x", id="PUMA")["redemption_account"]
    [ended] = history(ledger, own, "op", OPERATOR)
    assert (ended["kind"], ended["amount"]["amount"], ended["payee"]) == ("expiry", 17, own)
