"""What follows from a command and its currency, or from a record, alone: without the balances."""

from typing import Any

from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Currency, Known, Thing
from shared.contracts import ids
from shared.contracts.commands import CreateCurrency, Leg, Transfer
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import TRANSFER_POSTED, TRANSFERS_LINKED
from shared.contracts.money import MAX_AMOUNT


def parties(asked: Transfer | Leg, currency: Currency) -> tuple[str, str]:
    """The ids of payer and payee; the currency's own account where an issuance or a redemption leaves it out.

    Raises Refusal `invalid-request` where one is missing that cannot be inferred.
    """
    payer, payee = asked.payer, asked.payee
    if payer is None and asked.kind == "issuance":
        payer = currency.issuance_account
    if payee is None and asked.kind == "redemption":
        payee = currency.redemption_account
    if payer is None or payee is None:
        missing = "payer" if payer is None else "payee"
        raise Refusal(
            "invalid-request", (Fault(f"/{missing}", "required", f"a {asked.kind} needs a {missing}"),)
        )
    return payer, payee


def posted_transfer(known: Known | None, leg: Thing | None) -> dict[str, Any] | None:
    """The transfer that a command of the past posted, or a leg of it; None where it posted none."""
    if not isinstance(known, Record):
        return None
    transfer: dict[str, Any] | None = None
    if leg is None and known.type == TRANSFER_POSTED:
        transfer = known.payload["transfer"]
    elif leg is not None and known.type == TRANSFERS_LINKED:
        transfer = known.payload["transfers"][leg.body["position"]]
    return transfer


def currency_fields(command: CreateCurrency, partition: int) -> dict[str, Any]:
    """The currency with the ids of its own two accounts, which nobody can know before the command is made."""
    return {
        "code": command.code,
        "default_credit_limit": command.default_credit_limit,
        "id": command.id,
        "issuance_account": ids.derived_account_id(partition, "issuance", command.code, command.id),
        "kind": command.kind,
        "maximum_balance": command.maximum_balance,
        "minor_units": command.minor_units,
        "names": command.names,
        "redemption_account": ids.derived_account_id(partition, "redemption", command.code, command.id),
        "simulated": command.simulated,
        "territory": command.territory,
    }


def own_accounts(currency: dict[str, Any]) -> list[dict[str, Any]]:
    """The currency's own accounts: one that money comes from, one that it goes to at its end."""
    return [
        account_fields(currency["issuance_account"], currency["code"], "issuance", None, -MAX_AMOUNT, 0),
        account_fields(currency["redemption_account"], currency["code"], "redemption", None, 0, MAX_AMOUNT),
    ]


def account_fields(
    id: str,
    currency: str,
    kind: str,
    holder: str | None,
    floor: int,
    ceiling: int,
    territory: str | None = None,
    category: str | None = None,
    terms: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An account as its record opens it; terms are left out where there are none."""
    fields = {
        "category": category,
        "ceiling": ceiling,
        "currency": currency,
        "floor": floor,
        "holder": holder,
        "id": id,
        "kind": kind,
        "territory": territory,
    }
    return fields | {"terms": terms} if terms else fields
