"""Commands that come again: the first answer for the same principal and content, else a refusal."""

from services.ledger.kernel.payload import parties
from services.ledger.kernel.record import (
    Note,
    Record,
    StoredRefusal,
    content_hash,
    note_hash,
    salted_content,
)
from services.ledger.kernel.state import Known, State
from shared.auth.principal import Principal
from shared.contracts.commands import Command, Transfer
from shared.contracts.errors import Refusal
from shared.contracts.journal import TRANSFER_POSTED

_DERIVED = ("note", "drawn", "kept_back")
"""What a record says of a plain transfer that its command does not."""


def recall(state: State, command: Command, principal: Principal) -> Known | None:
    """What this command came to before; None where its id is new.

    Raises Refusal `id-reused`, without telling what it was, where another command or another principal used
    the id.
    """
    known = state.commands[command.id]
    if known is None:
        return None
    if isinstance(known, StoredRefusal):
        same = known.principal == principal.subject and known.content == content_hash(known.salt, command)
    else:
        same = known.payload["principal"] == principal.subject and _says(state, known, command)
    if not same:
        raise Refusal("id-reused", id=command.id)
    return known


def is_told_by_record(command: Command) -> bool:
    """Whether a record says by itself what its command was: a plain transfer's does, for all others a salted
    hash is kept.
    """
    return isinstance(command, Transfer) and not (
        command.purpose or command.goods or command.up_to or command.pending_seconds is not None
    )


def _says(state: State, record: Record, command: Command) -> bool:
    """Whether the record is what this command led to."""
    content = record.payload.get("content")
    if content is not None:
        return bool(content == salted_content(record.salt, command))
    if not isinstance(command, Transfer) or not is_told_by_record(command) or record.type != TRANSFER_POSTED:
        return False
    occurred_at = record.recorded_at if command.occurred_at is None else command.occurred_at
    currency = state.currencies[command.currency]
    if occurred_at != record.occurred_at or currency is None:
        return False
    try:
        payer, payee = parties(command, currency)
    except Refusal:
        return False
    transfer = record.payload["transfer"]
    recorded = {name: value for name, value in transfer.items() if name not in _DERIVED}
    asked = {
        "amount": command.amount,
        "currency": command.currency,
        "id": command.id,
        "kind": command.kind,
        "payee": payee,
        "payer": payer,
    }
    return recorded == asked and _is_noted(command, transfer.get("note"), record.note)


def _is_noted(command: Transfer, committed: str | None, note: Note | None) -> bool:
    """Whether the transfer's words are those that the record commits to; once erased, nobody can tell any
    more.
    """
    if committed is None:
        return not (command.memo or command.case_reference)
    return note is None or note_hash(Note(note.salt, command.memo, command.case_reference)) == committed
