"""Answers of the ledger in the form of `shared.contracts.ledger`'s views: currencies, transfers, and what a
record was answered with.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from services.ledger.accounts.views import change_view, opened_view, units_views
from services.ledger.currencies.views import adopted_view, currency_view
from services.ledger.kernel.apply import account_of, currency_of
from services.ledger.kernel.plain import Moved
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Thing
from services.ledger.proposals.views import proposal_view
from services.ledger.schedules.views import schedule_view
from shared.contracts import clock, journal, money

MinorUnits = Callable[[str], int]
"""How many minor units make one unit of a currency, by its code."""
Sees = Callable[[str], bool]
"""Whether the reader of a view may see an account, by its id."""

PLAIN_FIELDS = frozenset(("amount", "currency", "id", "kind", "note", "payee", "payer"))
"""What a record says of every transfer."""

_COPIED = ("purpose", "of", "pending", "proposal")

# All transfers of a batch have the same time of recording.
_time_text = lru_cache(maxsize=1024)(clock.to_text)


def transfer_view(
    record: Record, transfer: dict[str, Any], minor_units: int, sees: Sees, status: str = "posted"
) -> dict[str, Any]:
    """A transfer of a record; memo and case reference are empty where none were given or they have been
    erased. Which units it took, and which soft limits it is beyond, is told of payers that the reader sees.
    """
    note = record.note
    view = {
        "id": transfer["id"],
        "kind": transfer["kind"],
        "status": status,
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
    if not transfer.keys() <= PLAIN_FIELDS:
        view |= _more(transfer, minor_units, sees)
    if record.type == journal.TRANSFERS_LINKED:
        view["linked"] = record.command
    if (warnings := record.payload.get("warnings")) and _sees_payers(record, sees):
        view["warnings"] = warnings
    return view


def _payment_view(record: Record, moved: Moved, minor_units: MinorUnits) -> dict[str, Any]:
    """As `transfer_view` tells of a plain payment."""
    code, recorded_at = moved.payer.currency, _time_text(record.recorded_at)
    return {
        "id": record.command,
        "kind": "payment",
        "status": "posted",
        "payer": moved.payer.id,
        "payee": moved.payee.id,
        "amount": money.view(moved.amount, code, minor_units(code)),
        "memo": "",
        "case_reference": "",
        "recorded_at": recorded_at,
        "occurred_at": recorded_at,
        "partition": record.partition,
        "sequence": record.sequence,
        "hash": record.hash.hex(),
    }


def linked_view(record: Record, minor_units: MinorUnits, sees: Sees) -> dict[str, Any]:
    """Several transfers that one command posted."""
    note = record.note
    return {
        "id": record.command,
        "transfers": [
            transfer_view(record, transfer, minor_units(transfer["currency"]), sees)
            for transfer in record.payload["transfers"]
        ],
        "memo": note.memo if note else "",
        "case_reference": note.case_reference if note else "",
        "recorded_at": clock.to_text(record.recorded_at),
        "partition": record.partition,
        "sequence": record.sequence,
        "hash": record.hash.hex(),
    }


def record_view(record: Record, minor_units: MinorUnits, sees: Sees) -> dict[str, Any]:
    """The answer to the command that a record accepted, as it was given the first time: it follows from the
    record, and from what whoever gave the command may see.
    """
    if record.moved is not None:
        return _payment_view(record, record.moved, minor_units)
    return _VIEWS[record.type](record, minor_units, sees)


def transfers_of(record: Record) -> list[dict[str, Any]]:
    """The transfers that a record posts or reserves."""
    if record.type in (journal.TRANSFER_POSTED, journal.TRANSFER_RESERVED):
        return [record.payload["transfer"]]
    return list(record.payload["transfers"]) if record.type == journal.TRANSFERS_LINKED else []


def set_by(record: Record, kind: str) -> tuple[str, Thing]:
    """The one thing of a kind that a record sets, with its id."""
    [(id, owner, due_at, body)] = [
        (id, owner, due_at, body)
        for set_kind, id, owner, due_at, body in record.payload["sets"]
        if set_kind == kind
    ]
    return id, Thing(owner, due_at, body)


def _sees_payers(record: Record, sees: Sees) -> bool:
    """Whether the reader sees all payers of a record: its warnings do not say whose they are."""
    return all(sees(transfer["payer"]) for transfer in transfers_of(record))


def _more(transfer: dict[str, Any], minor_units: int, sees: Sees) -> dict[str, Any]:
    """What only some transfers have."""
    code = transfer["currency"]
    more = {name: transfer[name] for name in _COPIED if name in transfer}
    if "asked" in transfer:
        more["asked"] = money.view(transfer["asked"], code, minor_units)
    if "goods" in transfer:
        more["goods"] = [{"category": category, "amount": amount} for category, amount in transfer["goods"]]
    if "drawn" in transfer and sees(transfer["payer"]):
        more["drawn"] = units_views(transfer["drawn"], code, minor_units)
    if "kept_back" in transfer:
        more["kept_back"] = [
            {"reason": reason, "account": account, "amount": money.view(amount, code, minor_units)}
            for reason, account, amount in transfer["kept_back"]
        ]
    if "lapses_at" in transfer:
        more["lapses_at"] = clock.to_text(transfer["lapses_at"])
    if "schedule" in transfer:
        more["schedule"] = {"id": transfer["schedule"]["id"], "n": transfer["schedule"]["n"]}
    return more


def _transfer(record: Record, minor_units: MinorUnits, sees: Sees) -> dict[str, Any]:
    transfer = record.payload["transfer"]
    status = "pending" if record.type == journal.TRANSFER_RESERVED else "posted"
    return transfer_view(record, transfer, minor_units(transfer["currency"]), sees, status)


def _voided(record: Record, minor_units: MinorUnits, sees: Sees) -> dict[str, Any]:
    """The pending transfer that is none any more; place and times are those of its end."""
    id = record.payload["pending"]
    [body] = [
        body for kind, set_id, _, _, body in record.payload["sets"] if (kind, set_id) == ("pending", id)
    ]
    transfer = {name: body[name] for name in ("amount", "currency", "payer", "payee")}
    transfer |= {"id": id, "kind": "payment"}
    return transfer_view(record, transfer, minor_units(body["currency"]), sees, "voided")


def _account(record: Record, minor_units: MinorUnits, _sees: Sees) -> dict[str, Any]:
    opened = account_of(record.payload["accounts"][0], 0, record.recorded_at)
    return opened_view(opened, minor_units(opened.currency))


def _currency(record: Record, _minor_units: MinorUnits, _sees: Sees) -> dict[str, Any]:
    return currency_view(currency_of(record.payload["currency"], record))


def _change(record: Record, _minor_units: MinorUnits, _sees: Sees) -> dict[str, Any]:
    return change_view(record)


def _adopted(record: Record, _minor_units: MinorUnits, _sees: Sees) -> dict[str, Any]:
    return adopted_view(record)


def _proposal(record: Record, minor_units: MinorUnits, _sees: Sees) -> dict[str, Any]:
    id, thing = set_by(record, "proposal")
    memo = record.note.memo if record.note else ""
    return proposal_view(id, thing, memo, minor_units, record.recorded_at)


def _schedule(record: Record, minor_units: MinorUnits, _sees: Sees) -> dict[str, Any]:
    id, thing = set_by(record, "schedule")
    return schedule_view(id, thing, record.note.memo if record.note else "", minor_units)


def _all(types: Iterable[str], view: Any) -> dict[str, Any]:
    return dict.fromkeys(types, view)


_VIEWS: dict[str, Callable[[Record, MinorUnits, Sees], dict[str, Any]]] = {
    journal.CURRENCY_CREATED: _currency,
    journal.ACCOUNT_OPENED: _account,
    journal.TRANSFER_POSTED: _transfer,
    journal.TRANSFER_RESERVED: _transfer,
    journal.TRANSFER_VOIDED: _voided,
    journal.TRANSFERS_LINKED: linked_view,
    journal.CHARTER_ADOPTED: _adopted,
    journal.REVERSAL_PROPOSED: _proposal,
    journal.CORRECTION_PROPOSED: _proposal,
    journal.CHARTER_PROPOSED: _proposal,
    journal.PROPOSAL_REJECTED: _proposal,
    journal.SCHEDULE_CREATED: _schedule,
    journal.SCHEDULE_CANCELLED: _schedule,
    journal.SCHEDULE_FAILED: _schedule,
    journal.SCHEDULE_SKIPPED: _schedule,
    journal.ACCOUNT_CHANGED: _change,
    journal.ACCOUNT_FROZEN: _change,
    journal.ACCOUNT_UNFROZEN: _change,
    journal.ACCOUNT_CLOSED: _change,
    journal.ACCOUNT_SETTLED: _change,
}
"""By type of record. A timeline's beginning answers no command."""
