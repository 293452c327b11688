"""What becomes of a command: a record to apply, or a refusal. Nothing is changed here.

`_HANDLERS` is the index of all that the kernel can do.
"""

from collections.abc import Callable
from typing import Any

from services.ledger.kernel import (
    access,
    accounts,
    currencies,
    proposals,
    refunds,
    reservations,
    schedules,
    transfers,
)
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.discretion import discreet
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.recall import is_told_by_record
from services.ledger.kernel.record import SALT_BYTES, Note, Record, note_hash, salted_content, seal
from services.ledger.kernel.state import State
from shared.auth.principal import Principal
from shared.contracts import commands
from shared.contracts.commands import Command
from shared.contracts.errors import Refusal

RANDOM_BYTES = 2 * SALT_BYTES
"""How many random bytes a decision takes: the salt of the record and that of its note."""

_HANDLERS: dict[type, Callable[[Case[Any]], Decision]] = {
    commands.Transfer: transfers.transfer,
    commands.LinkedTransfers: transfers.linked,
    commands.PostPending: reservations.post,
    commands.VoidPending: reservations.void,
    commands.Refund: refunds.refund,
    commands.Reverse: refunds.propose_reversal,
    commands.Correct: proposals.propose_correction,
    commands.Approve: proposals.approve,
    commands.Reject: proposals.reject,
    commands.CreateSchedule: schedules.create,
    commands.CancelSchedule: schedules.cancel,
    commands.ExecuteSchedule: schedules.execute,
    commands.OpenAccount: accounts.open_account,
    commands.ChangeLimits: accounts.change_limits,
    commands.TagAccount: accounts.tag,
    commands.SetDelegate: accounts.set_delegate,
    commands.FreezeAccount: accounts.freeze,
    commands.UnfreezeAccount: accounts.unfreeze,
    commands.CloseAccount: accounts.close,
    commands.Settle: accounts.settle,
    commands.CreateCurrency: currencies.create,
    commands.AmendCharter: currencies.propose_charter,
}


def decide(
    state: State, command: Command, principal: Principal, now: int, random_bytes: bytes
) -> Record | Refusal:
    """The record that the command leads to, or why it is refused; its id must not be known yet (`recall`),
    and all that `needs` names must be loaded.

    `now` is Unix microseconds, never before the last record; `random_bytes` are `RANDOM_BYTES` that nobody
    can guess.
    """
    try:
        access.check_identifier(command, principal, now)
        access.check_occurred_at(command, principal, now)
        access.check_role(command, principal)
        draft = Draft(state, now)
        decision = _HANDLERS[type(command)](Case(command, principal, draft))
        return _record(state, command, principal, now, random_bytes, draft.content(), decision)
    except Refusal as refusal:
        return discreet(refusal, state, principal)


def _record(
    state: State,
    command: Command,
    principal: Principal,
    now: int,
    random_bytes: bytes,
    content: dict[str, Any],
    decision: Decision,
) -> Record:
    content |= decision.content
    content["principal"] = principal.subject
    salt = random_bytes[:SALT_BYTES]
    note = None
    if decision.memo or decision.case_reference:
        note = Note(random_bytes[SALT_BYTES:], decision.memo, decision.case_reference)
        (content.get("transfer") or content)["note"] = note_hash(note)
    if not is_told_by_record(command):
        content["command"] = command.id
        content["content"] = salted_content(salt, command)
    header = state.header
    return seal(
        partition=header.partition,
        timeline=header.timeline,
        sequence=header.sequence + 1,
        prev_hash=header.hash,
        type=decision.type,
        recorded_at=now,
        occurred_at=now if command.occurred_at is None else command.occurred_at,
        command=command.id,
        payload=content,
        salt=salt,
        note=note,
    )
