"""What a record says about its command: the part of the payload that follows from command and charter alone.

Deciding writes it, and knowing a command again compares it, so that "the same content" has one definition.
"""

from typing import Any

from services.ledger.kernel.state import Currency
from shared.contracts import ids
from shared.contracts.commands import CreateCurrency, OpenAccount, Transfer
from shared.contracts.errors import Fault, Refusal
from shared.contracts.money import MAX_AMOUNT


def parties(command: Transfer, currency: Currency) -> tuple[str, str]:
    """The ids of payer and payee; the currency's own account where an issuance or a redemption leaves it out.

    Raises Refusal `invalid-request` where one is missing that cannot be inferred.
    """
    payer, payee = command.payer, command.payee
    if payer is None and command.kind == "issuance":
        payer = currency.issuance_account
    if payee is None and command.kind == "redemption":
        payee = currency.redemption_account
    if payer is None or payee is None:
        missing = "payer" if payer is None else "payee"
        raise Refusal(
            "invalid-request", (Fault(f"/{missing}", "required", f"a {command.kind} needs a {missing}"),)
        )
    return payer, payee


def transfer_fields(command: Transfer, currency: Currency) -> dict[str, Any]:
    """The transfer, without its note. Raises as `parties`."""
    payer, payee = parties(command, currency)
    return {
        "amount": command.amount,
        "currency": command.currency,
        "id": command.id,
        "kind": command.kind,
        "payee": payee,
        "payer": payer,
    }


def account_fields(command: OpenAccount, currency: Currency) -> dict[str, Any]:
    """The account to open, with the limits that it gets."""
    credit_limit = currency.default_credit_limit if command.credit_limit is None else command.credit_limit
    maximum = currency.maximum_balance if command.maximum_balance is None else command.maximum_balance
    return _account(
        command.id,
        command.currency,
        command.kind,
        command.holder,
        -credit_limit,
        maximum,
        command.territory,
        command.category,
    )


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
        _account(
            currency["issuance_account"], currency["code"], "issuance", None, -MAX_AMOUNT, 0, None, None
        ),
        _account(
            currency["redemption_account"], currency["code"], "redemption", None, 0, MAX_AMOUNT, None, None
        ),
    ]


def _account(
    id: str,
    currency: str,
    kind: str,
    holder: str | None,
    floor: int,
    ceiling: int,
    territory: str | None,
    category: str | None,
) -> dict[str, Any]:
    return {
        "category": category,
        "ceiling": ceiling,
        "currency": currency,
        "floor": floor,
        "holder": holder,
        "id": id,
        "kind": kind,
        "territory": territory,
    }
