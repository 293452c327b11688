"""Commands of all types: what they are answered with, the same when they are repeated; and what the journal
holds of each is what its contract says.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema
from sqlalchemy import select

from services.ledger.access import seen_of
from services.ledger.journal.reader import records_after
from services.ledger.tables import accounts
from services.ledger.views import _VIEWS, record_view
from shared.auth.principal import MEMBER, OPERATOR, TIMEKEEPER, Principal
from shared.contracts import clock, ids, journal
from shared.contracts.charters import FeeClause, PurposeClause
from shared.contracts.commands import (
    AmendCharter,
    Approve,
    CancelSchedule,
    ChangeLimits,
    CloseAccount,
    Command,
    Correct,
    CreateSchedule,
    ExecuteSchedule,
    FreezeAccount,
    Goods,
    Leg,
    LinkedTransfers,
    PostPending,
    Refund,
    Reject,
    Reverse,
    SetDelegate,
    Settle,
    TagAccount,
    UnfreezeAccount,
    VoidPending,
)
from shared.contracts.journal_payloads import PAYLOADS
from shared.contracts.ledger import (
    AccountChangeView,
    AccountView,
    CharterView,
    CurrencyView,
    LinkedTransfersView,
    ProposalView,
    ScheduleView,
    TransferView,
)
from tests.support.charters import charter, rows
from tests.support.ledger import create_currency, issue, open_account, pay, redeem
from tests.support.travelling import Travel
from tests.support.writing import Ledger

HOUR_US = 3600 * clock.MICROSECONDS
VIEWS: Mapping[str, type[Schema]] = {
    journal.CURRENCY_CREATED: CurrencyView,
    journal.ACCOUNT_OPENED: AccountView,
    journal.TRANSFER_POSTED: TransferView,
    journal.TRANSFER_RESERVED: TransferView,
    journal.TRANSFER_VOIDED: TransferView,
    journal.TRANSFERS_LINKED: LinkedTransfersView,
    journal.REVERSAL_PROPOSED: ProposalView,
    journal.CORRECTION_PROPOSED: ProposalView,
    journal.CHARTER_PROPOSED: ProposalView,
    journal.CHARTER_ADOPTED: CharterView,
    journal.PROPOSAL_REJECTED: ProposalView,
    journal.SCHEDULE_CREATED: ScheduleView,
    journal.SCHEDULE_CANCELLED: ScheduleView,
    journal.SCHEDULE_FAILED: ScheduleView,
    journal.SCHEDULE_SKIPPED: ScheduleView,
    journal.ACCOUNT_CHANGED: AccountChangeView,
    journal.ACCOUNT_FROZEN: AccountChangeView,
    journal.ACCOUNT_UNFROZEN: AccountChangeView,
    journal.ACCOUNT_CLOSED: AccountChangeView,
    journal.ACCOUNT_SETTLED: AccountChangeView,
}


class Told:
    """Gives commands and keeps what each was answered with."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.given: list[tuple[Command, str, dict[str, Any]]] = []

    def give(self, command: Command, subject: str = "one", *roles: str) -> dict[str, Any]:
        token = self.ledger.token(subject, *(roles or (OPERATOR, "administrator")))
        view = self.ledger.view(command, token)
        self.given.append((command, token, view))
        return view


def everything(told: Told, travel: Travel) -> None:
    """Commands of all types, each accepted at least once."""
    ana, ben = ids.new_id(), ids.new_id()
    food = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])
    with travel.days_ago(10):
        told.give(create_currency("PUMA", charter=charter(purposes=[food], limits=rows(per_day=5_000))))
        told.give(create_currency("LEAF"))
        purse = told.give(open_account(ana, place="market", groups=["old-town"], level=1))["id"]
        shop = told.give(open_account(ben, kind="organisation", category="grocer"))["id"]
        leaves = told.give(open_account(ben, "LEAF"))["id"]
        told.give(issue(purse, 2_000, memo="start", case_reference="C-1"))
        told.give(issue(purse, 500, purpose="food"))
        goods = [Goods(category="bread", amount=100), Goods(category="wine", amount=200)]
        paid = told.give(pay(purse, shop, 300, goods=goods, memo="lunch"), ana, MEMBER)["id"]
        told.give(Refund(id=ids.new_id(), transfer=paid, amount=50, memo="stale"), ben, MEMBER)
        held = told.give(pay(purse, shop, 400, pending_seconds=3600), ana, MEMBER)["id"]
        told.give(PostPending(id=ids.new_id(), pending=held, amount=150), ben, MEMBER)
        dropped = told.give(pay(purse, shop, 10, pending_seconds=3600), ana, MEMBER)["id"]
        told.give(VoidPending(id=ids.new_id(), pending=dropped), ben, MEMBER)
        told.give(pay(purse, shop, 20, pending_seconds=3600), ana, MEMBER)
        legs = [
            Leg(currency="PUMA", amount=30, payer=purse, payee=shop),
            Leg(currency="LEAF", amount=7, payee=leaves, kind="issuance"),
        ]
        told.give(LinkedTransfers(id=ids.new_id(), legs=legs, memo="both"), ana, OPERATOR)
        mended = Correct(
            id=ids.new_id(),
            currency="PUMA",
            amount=5,
            payer=shop,
            payee=purse,
            reason="typing",
            transfer=paid,
        )
        told.give(Approve(id=ids.new_id(), proposal=told.give(mended)["id"]), "two", OPERATOR)
        reversal = told.give(Reverse(id=ids.new_id(), transfer=paid, memo="please"), ana, MEMBER)["id"]
        told.give(Approve(id=ids.new_id(), proposal=reversal), ben, MEMBER)
        once_more = Correct(id=ids.new_id(), currency="PUMA", amount=5, payer=shop, payee=purse, reason="no")
        told.give(Reject(id=ids.new_id(), proposal=told.give(once_more)["id"]), "two", OPERATOR)
        made = schedule(told, ana, purse, shop)
    attempts(told, travel, made, purse)
    with travel.days_ago(5):
        account_changes(told, ana, purse, shop)
        told.give(redeem(shop, 10), ben, MEMBER)
        version = AmendCharter(
            id=ids.new_id(),
            currency="PUMA",
            version=2,
            valid_from=clock.now_us() + HOUR_US,
            charter=charter(purposes=[food], limits=rows(per_day=900), fee=FeeClause(to=shop, fixed=1)),
        )
        told.give(Approve(id=ids.new_id(), proposal=told.give(version)["id"]), "two", OPERATOR)
        told.give(
            CloseAccount(
                id=ids.new_id(), account=leaves, remainder_to=told.give(open_account(ben, "LEAF"))["id"]
            )
        )
    told.give(Settle(id=ids.new_id(), account=purse), "clock", TIMEKEEPER)


def schedule(told: Told, ana: str, purse: str, shop: str) -> str:
    """Two payments to come, and others that are cancelled."""
    made, dropped = (
        CreateSchedule(
            id=ids.new_id(),
            currency="PUMA",
            amount=600,
            payer=purse,
            payee=shop,
            first_at=clock.now_us() + HOUR_US,
            every="day",
            count=2,
            memo="rent",
        )
        for _ in range(2)
    )
    told.give(made, ana, MEMBER)
    told.give(dropped, ana, MEMBER)
    told.give(CancelSchedule(id=ids.new_id(), schedule=dropped.id), ana, MEMBER)
    return made.id


def attempts(told: Told, travel: Travel, made: str, purse: str) -> None:
    """The first payment is made, the second cannot be, three times."""
    for days, n, attempt in ((9.9, 0, 1), (8, 1, 1), (7.9, 1, 2), (6.9, 1, 3)):
        with travel.days_ago(days):
            if (n, attempt) == (1, 1):
                told.give(ChangeLimits(id=ids.new_id(), account=purse, per_transfer=500))
            command = ExecuteSchedule(id=ids.new_id(), schedule=made, n=n, attempt=attempt)
            told.give(command, "clock", TIMEKEEPER)


def account_changes(told: Told, ana: str, purse: str, shop: str) -> None:
    told.give(TagAccount(id=ids.new_id(), account=purse, category="household"))
    told.give(SetDelegate(id=ids.new_id(), account=purse, subject=ids.new_id(), rights=["view"]), ana, MEMBER)
    told.give(FreezeAccount(id=ids.new_id(), account=shop, reason="asked for"))
    told.give(UnfreezeAccount(id=ids.new_id(), account=shop))


def seen_by(ledger: Ledger, principal: Principal) -> Callable[[str], bool]:
    with ledger.database.read() as connection:
        everything = set(connection.execute(select(accounts.c.id)).scalars())
        return seen_of(principal, connection, everything).__contains__


def test_answers_and_records_are_as_their_contracts_say(ledger: Ledger, travel: Travel) -> None:
    told = Told(ledger)
    everything(told, travel)
    with ledger.database.read() as connection:
        records = records_after(connection, 0, 0, 500)
    assert {record.type for record in records} == set(VIEWS) == set(_VIEWS)
    assert set(PAYLOADS) - {record.type for record in records} == {journal.TIMELINE_BEGUN}
    known = {record.command: record for record in records}
    minor_units: Callable[[str], int] = lambda code: 100  # noqa: E731
    for command, token, view in told.given:
        record = known[command.id]
        (again,) = ledger.decide([command], token)
        assert (again.view, again.replayed) == (view, True)
        assert not VIEWS[record.type]().validate(view), (record.type, view)
        principal = ledger.verifier.verify(token)
        assert record_view(record, minor_units, seen_by(ledger, principal)) == view
        assert not PAYLOADS[record.type]().validate(record.payload), record.type
