"""A record as one account sees it: the transfer that it was party to, what it got of one between others, or
what else moved its balance.
"""

from collections.abc import Iterable
from typing import Any

from services.ledger.kernel.record import Record
from services.ledger.views import Sees, transfer_view, transfers_of
from shared.contracts import clock, money
from shared.contracts.journal import ACCOUNT_CLOSED, TRANSFER_RESERVED

NOT_TOLD = ""
"""In place of an account that the reader may not know of."""


def seen_from(
    account: str, code: str, record: Record, change: int, balance: int, minor_units: int, sees: Sees
) -> dict[str, Any]:
    """What a record did to an account: `change` of its total, `balance` after it, both in minor units. `sees`
    is asked of the `parties_elsewhere`.
    """
    own = _own_transfers(account, record)
    if own:
        transfer = own[0]
        if account in _parties(transfer) or any(map(sees, _parties(transfer))):
            view = transfer_view(record, transfer, minor_units, account.__eq__)
            view["counterparty"] = transfer["payee"] if transfer["payer"] == account else transfer["payer"]
        else:
            view = _share(account, record, transfer, minor_units)
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


def parties_elsewhere(account: str, records: Iterable[Record]) -> set[str]:
    """The payers and payees of those transfers of which an account only got what was kept back."""
    parties: set[str] = set()
    for record in records:
        for transfer in _own_transfers(account, record):
            if account not in _parties(transfer):
                parties.update(_parties(transfer))
    return parties


def _parties(transfer: dict[str, Any]) -> tuple[str, str]:
    return transfer["payer"], transfer["payee"]


def _own_transfers(account: str, record: Record) -> list[dict[str, Any]]:
    """The transfers of a record that moved units of the account: as a party, or of what was kept back."""
    if record.type == TRANSFER_RESERVED:
        return []
    found = transfers_of(record)
    party = [one for one in found if account in _parties(one)]
    return party or [one for one in found if any(to == account for _, to, _ in one.get("kept_back", ()))]


def _share(account: str, record: Record, transfer: dict[str, Any], minor_units: int) -> dict[str, Any]:
    """A row for a fee or a penalty: what the account got of a transfer between others, and of which one.
    Who they are and what they wrote is for themselves.
    """
    code = transfer["currency"]
    kept = [(reason, amount) for reason, to, amount in transfer["kept_back"] if to == account]
    total = sum(amount for _, amount in kept)
    view = _row(record, transfer["id"], transfer["kind"], money.view(total, code, minor_units))
    view |= {"payer": NOT_TOLD, "payee": account, "counterparty": NOT_TOLD}
    view["kept_back"] = [
        {"reason": reason, "account": account, "amount": money.view(amount, code, minor_units)}
        for reason, amount in kept
    ]
    return view


def _booking(account: str, code: str, record: Record, change: int, minor_units: int) -> dict[str, Any]:
    """A row for what is no transfer: what a closed account left, or units that lapsed. What was written with
    the command that booked them is not about them.
    """
    left = _remainder(account, record)
    if left:
        kind, amount = "closing", abs(left)
        closed, heir = record.payload["account"], record.payload["remainder_to"]
        giver, taker = (closed, heir) if left > 0 else (heir, closed)
    else:
        kind, amount = "expiry", abs(change)
        other = _most_of(account, record, change)
        giver, taker = (account, other) if change < 0 else (other, account)
    view = _row(record, record.command, kind, money.view(amount, code, minor_units))
    return view | {"payer": giver, "payee": taker, "counterparty": taker if giver == account else giver}


def _row(record: Record, id: str, kind: str, amount: dict[str, Any]) -> dict[str, Any]:
    """What rows have that are no views of transfers, but for who gave and who took."""
    return {
        "id": id,
        "kind": kind,
        "status": "posted",
        "amount": amount,
        "memo": "",
        "case_reference": "",
        "recorded_at": clock.to_text(record.recorded_at),
        "occurred_at": clock.to_text(record.occurred_at),
        "partition": record.partition,
        "sequence": record.sequence,
        "hash": record.hash.hex(),
    }


def _remainder(account: str, record: Record) -> int:
    """What the account left, or took over, as the record ended an account; a debt is below nothing."""
    payload = record.payload
    if record.type != ACCOUNT_CLOSED or account not in (payload["account"], payload.get("remainder_to")):
        return 0
    left: int = payload.get("remainder", 0)
    return left


def _most_of(account: str, record: Record, change: int) -> str:
    """Whoever has the most of what this account lost, or lost the most of what it has."""
    others: dict[str, int] = {}
    for id, _, amount, _ in record.payload["entries"]:
        if id != account:
            others[id] = others.get(id, 0) + amount
    return max(others, key=lambda id: -others[id] if change > 0 else others[id])


def _expired(record: Record) -> list[list[Any]]:
    settled: dict[str, list[list[Any]]] = record.payload.get("settled", {})
    return settled.get("expired", [])
