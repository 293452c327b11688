"""Currencies: creating them."""

import msgspec

from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.payload import currency_fields, own_accounts
from services.ledger.kernel.state import Thing
from shared.contracts.commands import CreateCurrency
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import CURRENCY_CREATED


def create(case: Case[CreateCurrency]) -> Decision:
    """Create a currency, its own accounts, and the first version of its charter where one is given."""
    command, draft = case.command, case.draft
    if "en" not in command.names:
        raise Refusal("invalid-request", (Fault("/names", "required", "the English name is compulsory"),))
    if case.state.currencies[command.code] is not None:
        raise Refusal("currency-exists", currency=command.code)
    currency = currency_fields(command, case.state.header.partition)
    draft.opened.extend(own_accounts(currency))
    for account in draft.opened:
        if case.state.accounts[account["id"]] is not None:
            raise Refusal("id-reused", id=account["id"])
    if command.charter is not None:
        document = msgspec.to_builtins(command.charter)
        draft.put("charters", command.code, Thing(command.code, None, {"versions": [[1, case.now]]}))
        draft.put("charter", f"{command.code}/1", Thing(command.code, None, {"document": document}))
    return Decision(CURRENCY_CREATED, {"currency": currency})
