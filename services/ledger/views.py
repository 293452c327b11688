"""Answers about currencies, accounts and transfers, in the form of `shared.contracts.ledger`'s views."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from services.ledger.kernel.apply import account_of, currency_of
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Account, Currency
from shared.contracts import clock, money
from shared.contracts.journal import CURRENCY_CREATED, TRANSFER_POSTED
from shared.contracts.primitives import HOLDER_KINDS

# All transfers of a batch have the same time of recording.
_time_text = lru_cache(maxsize=1024)(clock.to_text)


def currency_view(currency: Currency) -> dict[str, Any]:
    return {
        "code": currency.code,
        "names": currency.names,
        "minor_units": currency.minor_units,
        "kind": currency.kind,
        "default_credit_limit": currency.default_credit_limit,
        "maximum_balance": currency.maximum_balance,
        "territory": currency.territory,
        "simulated": currency.simulated,
        "issuance_account": currency.issuance_account,
        "redemption_account": currency.redemption_account,
        "partition": currency.partition,
        "created_at": clock.to_text(currency.created_at),
    }


def account_view(account: Account, minor_units: int) -> dict[str, Any]:
    """An account with its present total; the currency's own accounts have no limits that anybody set."""
    held = account.kind in HOLDER_KINDS
    return {
        "id": account.id,
        "currency": account.currency,
        "kind": account.kind,
        "holder": account.holder,
        "balance": money.view(account.total, account.currency, minor_units),
        "available": money.view(account.total - account.floor, account.currency, minor_units),
        "credit_limit": -account.floor if held else None,
        "maximum_balance": account.ceiling if held else None,
        "territory": account.territory,
        "category": account.category,
        "opened_at": clock.to_text(account.opened_at),
    }


def transfer_view(record: Record, minor_units: int) -> dict[str, Any]:
    """A transfer from its record; memo and case reference are empty where none were given or they have been
    erased.
    """
    transfer = record.payload["transfer"]
    note = record.note
    return {
        "id": record.command,
        "kind": transfer["kind"],
        "status": "posted",
        "payer": transfer["payer"],
        "payee": transfer["payee"],
        "amount": money.view(transfer["amount"], transfer["currency"], minor_units),
        "memo": note.memo if note else "",
        "case_reference": note.case_reference if note else "",
        "recorded_at": _time_text(record.recorded_at),
        "occurred_at": _time_text(record.occurred_at),
        "partition": record.partition,
        "sequence": record.sequence,
        "hash": record.hash.hex(),
    }


def record_view(record: Record, minor_units: Callable[[str], int]) -> dict[str, Any]:
    """The answer to the command that a record accepted, as it was given the first time.

    `minor_units` tells how many of them make one unit of a currency, by its code.
    """
    if record.type == TRANSFER_POSTED:
        return transfer_view(record, minor_units(record.payload["transfer"]["currency"]))
    if record.type == CURRENCY_CREATED:
        return currency_view(currency_of(record.payload["currency"], record))
    opened = account_of(record.payload["accounts"][0], 0, record.recorded_at)
    return account_view(opened, minor_units(opened.currency))
