"""Proposals in the form of `shared.contracts.ledger.ProposalView`."""

from collections.abc import Callable
from typing import Any

from services.ledger.kernel.state import Thing
from shared.contracts import clock, money

_TOLD = frozenset(("command", "status", "by", "settled_by", "made"))


def proposal_view(
    id: str, thing: Thing, memo: str, minor_units: Callable[[str], int], now: int
) -> dict[str, Any]:
    """A proposal as it stands at a moment (Unix microseconds): one that nobody has decided in time has
    lapsed.
    """
    body = thing.body
    status = body["status"]
    if status == "pending" and thing.due_at is not None and thing.due_at <= now:
        status = "lapsed"
    view = {
        "id": id,
        "command": body["command"],
        "status": status,
        "proposed_by": body["by"],
        "lapses_at": None if thing.due_at is None else clock.to_text(thing.due_at),
        "memo": memo,
        "content": {name: value for name, value in body.items() if name not in _TOLD and value is not None},
    }
    if "settled_by" in body:
        view["decided_by"] = body["settled_by"]
    if "made" in body:
        view["made"] = body["made"]
    if "amount" in body:
        view["amount"] = money.view(body["amount"], body["currency"], minor_units(body["currency"]))
    return view
