"""Commands that come again: the first answer for the same principal and content, else a refusal."""

from services.ledger.kernel import payload as payloads
from services.ledger.kernel.record import Note, Record, StoredRefusal, content_hash, note_hash
from services.ledger.kernel.state import Known, State
from shared.auth.principal import Principal
from shared.contracts.commands import Command, CreateCurrency, Transfer
from shared.contracts.errors import Refusal


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


def _says(state: State, record: Record, command: Command) -> bool:
    """Whether the record is what this command leads to."""
    occurred_at = record.recorded_at if command.occurred_at is None else command.occurred_at
    if occurred_at != record.occurred_at:
        return False
    recorded = record.payload
    if isinstance(command, CreateCurrency):
        return recorded.get("currency") == payloads.currency_fields(command, record.partition)
    currency = state.currencies[command.currency]
    if currency is None:
        return False
    if not isinstance(command, Transfer):
        return "currency" not in recorded and recorded["accounts"] == [
            payloads.account_fields(command, currency)
        ]
    transfer = dict(recorded.get("transfer", {}))
    committed = transfer.pop("note", None)
    try:
        fields = payloads.transfer_fields(command, currency)
    except Refusal:
        return False
    return transfer == fields and _is_noted(command, committed, record.note)


def _is_noted(command: Transfer, committed: str | None, note: Note | None) -> bool:
    """Whether the transfer's words are those that the record commits to; once erased, nobody can tell any
    more.
    """
    if committed is None:
        return not (command.memo or command.case_reference)
    return note is None or note_hash(Note(note.salt, command.memo, command.case_reference)) == committed
