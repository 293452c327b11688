"""What waits for a second person."""

from typing import Any

from services.ledger.kernel.calendar import DAY_US
from services.ledger.kernel.case import Case
from services.ledger.kernel.state import Thing
from shared.contracts.commands import PROPOSAL_DAYS


def propose(case: Case[Any], kind: str, owner: str, *, until: int | None = None, **terms: Any) -> None:
    """Remember a proposal under its command's id. `kind` is the type of command that it is about, `owner` the
    account whose holder is asked, or the currency whose operators are. It lapses when it is due, `until` then
    at the latest.
    """
    body = {"command": kind, "status": "pending", "by": case.principal.subject, **terms}
    due_at = case.now + PROPOSAL_DAYS * DAY_US
    if until is not None:
        due_at = min(due_at, until)
    case.draft.put("proposal", case.command.id, Thing(owner, due_at, body))
