"""Accounts: opening them."""

from typing import Any

from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.payload import account_fields
from shared.contracts import ids
from shared.contracts.commands import OpenAccount
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import ACCOUNT_OPENED


def open_account(case: Case[OpenAccount]) -> Decision:
    """Open an account with the limits of the charter in force, or with those of its own."""
    command, draft = case.command, case.draft
    rules = draft.rules(command.currency)
    if ids.partition_of(command.id) != case.state.header.partition:
        detail = f"an account of {command.currency} has an id of partition {case.state.header.partition}"
        raise Refusal("invalid-request", (Fault("/id", "wrong-partition", detail),))
    if case.state.accounts[command.id] is not None:
        raise Refusal("id-reused", id=command.id)
    terms = _terms(command, rules.version)
    floor, ceiling = rules.limits(command.kind, terms)
    draft.opened.append(
        account_fields(
            *(command.id, command.currency, command.kind, command.holder, floor, ceiling),
            *(command.territory, command.category, terms),
        )
    )
    return Decision(ACCOUNT_OPENED)


def _terms(command: OpenAccount, version: int) -> dict[str, Any]:
    own = {"credit_limit": command.credit_limit, "maximum_balance": command.maximum_balance}
    terms = {
        "level": command.level,
        "place": command.place,
        "groups": sorted(set(command.groups)),
        "own": {name: value for name, value in own.items() if value is not None},
        "charter": version if version > 1 else None,
    }
    return {name: value for name, value in terms.items() if value}
