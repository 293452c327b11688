"""A record as one account sees it: the transfer that it was party to, or what else moved its balance."""

from typing import Any

from services.ledger.kernel.record import Record
from services.ledger.views import transfer_view, transfers_of
from shared.contracts import clock, money
from shared.contracts.journal import ACCOUNT_CLOSED, TRANSFER_RESERVED


def seen_from(
    account: str, code: str, record: Record, change: int, balance: int, minor_units: int
) -> dict[str, Any]:
    """What a record did to an account: `change` of its total, `balance` after it, both in minor units."""
    own = _own_transfers(account, record)
    if own:
        transfer = own[0]
        view = transfer_view(record, transfer, minor_units, drawn=transfer["payer"] == account)
        view["counterparty"] = transfer["payee"] if transfer["payer"] == account else transfer["payer"]
        if len(own) > 1:
            view["others"] = len(own) - 1
    else:
        view = _booking(account, code, record, change, minor_units)
    view["change"] = money.view(change, code, minor_units)
    view["balance"] = money.view(balance, code, minor_units)
    expired = sum(amount for id, _, amount in _expired(record) if id == account)
    if expired:
        view["expired"] = money.view(expired, code, minor_units)
    return view


def _own_transfers(account: str, record: Record) -> list[dict[str, Any]]:
    """The transfers of a record that moved units of the account: as a party, or of what was kept back."""
    if record.type == TRANSFER_RESERVED:
        return []
    found = transfers_of(record)
    party = [one for one in found if account in (one["payer"], one["payee"])]
    return party or [one for one in found if any(to == account for _, to, _ in one.get("kept_back", ()))]


def _booking(account: str, code: str, record: Record, change: int, minor_units: int) -> dict[str, Any]:
    """A row for what is no transfer: units that lapsed, or what a closed account left."""
    others: dict[str, int] = {}
    for id, _, amount, _ in record.payload["entries"]:
        if id != account:
            others[id] = others.get(id, 0) + amount
    # Whoever has the most of what this account lost, or lost the most of what it has.
    counterparty = max(others, key=lambda id: -others[id] if change > 0 else others[id])
    note = record.note
    giver, taker = (account, counterparty) if change < 0 else (counterparty, account)
    closing = record.type == ACCOUNT_CLOSED and not any(id == account for id, _, _ in _expired(record))
    return {
        "id": record.command,
        "kind": "closing" if closing else "expiry",
        "status": "posted",
        "payer": giver,
        "payee": taker,
        "amount": money.view(abs(change), code, minor_units),
        "memo": note.memo if note else "",
        "case_reference": note.case_reference if note else "",
        "recorded_at": clock.to_text(record.recorded_at),
        "occurred_at": clock.to_text(record.occurred_at),
        "partition": record.partition,
        "sequence": record.sequence,
        "hash": record.hash.hex(),
        "counterparty": counterparty,
    }


def _expired(record: Record) -> list[list[Any]]:
    settled: dict[str, list[list[Any]]] = record.payload.get("settled", {})
    return settled.get("expired", [])
