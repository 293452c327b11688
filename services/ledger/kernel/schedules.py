"""Schedules: payments to come, with the authority of who made them.

Each payment has three attempts: when it is due, and an hour and a day after the first one failed; then it is
skipped. Where attempts come late, payments follow each other in their order, none is left out.
"""

from typing import Any

from services.ledger.kernel import access, moving, transfers
from services.ledger.kernel.calendar import day_of, occurrence
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.state import Account, Thing
from shared.auth.principal import OPERATOR, Principal
from shared.contracts import clock
from shared.contracts.commands import SCHEDULE_ATTEMPTS, CancelSchedule, CreateSchedule, ExecuteSchedule
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import (
    SCHEDULE_CANCELLED,
    SCHEDULE_CREATED,
    SCHEDULE_FAILED,
    SCHEDULE_SKIPPED,
    TRANSFER_POSTED,
)

RETRY_AFTER_US = (0, 3600 * clock.MICROSECONDS, 24 * 3600 * clock.MICROSECONDS)
"""How long after the first attempt each attempt is made."""
_RIGHTS = ("pay", "schedule")
SKIPPED_TOLD = 12
"""Of so many payments that were skipped last a schedule tells by itself; all stand in the journal."""


def create(case: Case[CreateSchedule]) -> Decision:
    """Remember payments to come, which the payer's account allows by now."""
    command, draft = case.command, case.draft
    _check_times(command, draft.today)
    currency = draft.currency(command.currency)
    payer, payee = draft.account(command.payer), draft.account(command.payee)
    _require(draft, payer, case.principal, command.amount)
    transfers.order_between(draft, "payment", currency, payer, payee, command.amount)
    body = {
        "status": "active",
        "by": case.principal.subject,
        "currency": command.currency,
        "payer": command.payer,
        "payee": command.payee,
        "amount": command.amount,
        "first_at": command.first_at,
        "every": command.every,
        "count": command.count,
        "n": 0,
        "attempt": 1,
        "tried_at": None,
        "failure": None,
    }
    draft.put("schedule", command.id, Thing(command.payer, command.first_at, body))
    return Decision(SCHEDULE_CREATED, {"schedule": {"id": command.id}}, command.memo)


def cancel(case: Case[CancelSchedule]) -> Decision:
    """Make no more payments of a schedule. Who may only pay ends those that they made themselves."""
    command, draft = case.command, case.draft
    thing = _known(draft, command.schedule)
    if not case.principal.has(OPERATOR):
        payer = draft.account(thing.body["payer"])
        rights = _RIGHTS if thing.body["by"] == case.principal.subject else ("schedule",)
        access.require(draft, payer, case.principal, "cancel a schedule of account", *rights)
    if thing.body["status"] != "active":
        raise Refusal("schedule-settled", schedule=command.schedule, status=thing.body["status"])
    draft.put("schedule", command.schedule, Thing(thing.owner, None, thing.body | {"status": "cancelled"}))
    return Decision(SCHEDULE_CANCELLED, {"schedule": {"id": command.schedule}})


def execute(case: Case[ExecuteSchedule]) -> Decision:
    """Attempt a payment that is due. A refusal by the rules is a record of its own."""
    command, draft = case.command, case.draft
    thing = _known(draft, command.schedule)
    if (
        thing.due_at is None
        or thing.due_at > case.now
        or (command.n, command.attempt)
        != (
            thing.body["n"],
            thing.body["attempt"],
        )
    ):
        raise Refusal("not-due")
    said = {"id": command.schedule, "n": command.n}
    # Tried apart, so that nothing of what is refused comes into the record.
    slug = _refused(case, thing.body)
    if slug is None:
        fields = _pay(draft, thing.body, command.id)
        draft.put("schedule", command.schedule, _next(thing, None))
        return Decision(TRANSFER_POSTED, {"transfer": fields | {"schedule": said}})
    said |= {"attempt": command.attempt, "refusal": slug}
    if command.attempt == SCHEDULE_ATTEMPTS:
        draft.put("schedule", command.schedule, _next(thing, slug))
        return Decision(SCHEDULE_SKIPPED, {"schedule": said})
    tried_at = case.now if thing.body["tried_at"] is None else thing.body["tried_at"]
    body = thing.body | {"attempt": command.attempt + 1, "tried_at": tried_at, "failure": slug}
    due_at = tried_at + RETRY_AFTER_US[command.attempt]
    draft.put("schedule", command.schedule, Thing(thing.owner, due_at, body))
    return Decision(SCHEDULE_FAILED, {"schedule": said})


def _check_times(command: CreateSchedule, today: str) -> None:
    if command.every == "once" and command.count != 1:
        _invalid("/count", "1, for a payment that comes once")
    try:
        last_at = occurrence(command.first_at, command.every, command.count - 1)
    except OverflowError:
        last_at = clock.LAST_US + 1
    if last_at > clock.LAST_US or day_of(command.first_at) < today:
        _invalid("/first_at", f"a time from {today} on, with all payments before the year 10000")


def _known(draft: Draft, id: str) -> Thing:
    thing = draft.thing("schedule", id)
    if thing is None:
        raise Refusal("unknown-schedule", schedule=id)
    return thing


def _require(draft: Draft, payer: Account, principal: Principal, amount: int) -> None:
    access.require(draft, payer, principal, "schedule payments from account", *_RIGHTS, amount=amount)


def _refused(case: Case[Any], body: dict[str, Any]) -> str | None:
    """Why the payment would be refused."""
    draft = Draft(case.state, case.now)
    try:
        _pay(draft, body, case.command.id)
        draft.content()
    except Refusal as refusal:
        return refusal.slug
    return None


def _pay(draft: Draft, body: dict[str, Any], id: str) -> dict[str, Any]:
    currency = draft.currency(body["currency"])
    payer, payee = draft.account(body["payer"]), draft.account(body["payee"])
    _require(draft, payer, Principal(body["by"], frozenset(), draft.now), body["amount"])
    order = transfers.order_between(draft, "payment", currency, payer, payee, body["amount"])
    planned = moving.plan(draft, order)
    fields = transfers.transfer_fields(order, planned, id)
    transfers.post(draft, order, planned, fields)
    return fields


def _next(thing: Thing, failure: str | None) -> Thing:
    """The schedule after a payment was made, or skipped because of a failure."""
    body = thing.body | {"n": thing.body["n"] + 1, "attempt": 1, "tried_at": None, "failure": failure}
    if failure is not None:
        body["skipped"] = [*body.get("skipped", ()), [thing.body["n"], failure]][-SKIPPED_TOLD:]
    if body["n"] == body["count"]:
        return Thing(thing.owner, None, body | {"status": "done"})
    return Thing(thing.owner, occurrence(body["first_at"], body["every"], body["n"]), body)


def _invalid(pointer: str, right: str) -> None:
    raise Refusal("invalid-request", (Fault(pointer, "invalid", right),))
