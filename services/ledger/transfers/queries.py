"""Transfers as they are shown: one, several linked ones, what is reserved, and the history of an account."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, or_

from services.ledger.access import access_account, seen_of
from services.ledger.journal.reader import record_of, records_at, records_of
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Thing, partition_of_account
from services.ledger.reading import list_things, load_currencies, load_things, minor_units_in
from services.ledger.resources import Resources
from services.ledger.tables import things
from services.ledger.transfers.history import NOT_TOLD, parties_elsewhere, seen_from
from services.ledger.transfers.lines import lines_before
from services.ledger.views import Sees, linked_view, transfer_view, transfers_of
from shared import cursors
from shared.contracts import clock, ids, money
from shared.contracts.errors import Refusal
from shared.contracts.journal import TRANSFER_RESERVED, TRANSFERS_LINKED
from shared.messaging.service import Request


def get_transfer(ledger: Resources, request: Request) -> dict[str, Any]:
    """One transfer as it stands, for those who may see an account of it; for all others it is as if there
    were none.
    """
    id = request.arguments["id"]
    if not ids.is_id(id):
        raise Refusal("not-found")
    with ledger.database.read() as connection:
        record, transfer = _find(connection, id)
        parties = {each[side] for each in transfers_of(record) for side in ("payer", "payee")}
        seen = seen_of(request.principal, connection, parties)
        if not seen & {transfer["payer"], transfer["payee"]}:
            raise Refusal("not-found")
        code = transfer["currency"]
        minor_units = load_currencies(connection, [code])[code].minor_units
        kind = "pending" if record.type == TRANSFER_RESERVED else "refunded"
        thing = load_things(connection, [(kind, id)]).get((kind, id))
    if record.type == TRANSFER_RESERVED:
        assert thing is not None
        return _reserved_view(record, thing, minor_units, clock.now_us(), seen.__contains__)
    view = transfer_view(record, transfer, minor_units, seen.__contains__)
    if thing is not None:
        view["refunded"] = money.view(thing.body["amount"], code, minor_units)
    return view


def get_linked_transfers(ledger: Resources, request: Request) -> dict[str, Any]:
    """What a linked command posted, by the command's id: for those who may see an account of each of its
    transfers.
    """
    id = request.arguments["id"]
    with ledger.database.read() as connection:
        record = record_of(connection, id) if ids.is_id(id) else None
        if record is None or record.type != TRANSFERS_LINKED:
            raise Refusal("not-found")
        legs = transfers_of(record)
        parties = {leg[side] for leg in legs for side in ("payer", "payee")}
        seen = seen_of(request.principal, connection, parties)
        if not all(seen & {leg["payer"], leg["payee"]} for leg in legs):
            raise Refusal("not-found")
        minor_units = minor_units_in(connection, {leg["currency"] for leg in legs})
    return linked_view(record, minor_units, seen.__contains__)


def list_account_transfers(ledger: Resources, request: Request) -> dict[str, Any]:
    """What moved an account's balance, newest first, one row a command: with the account's change and its
    balance afterwards. What is merely reserved moves nothing.
    """
    asked = request.arguments
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        before = cursors.decode(asked["cursor"], int)
        found = lines_before(connection, account.number, before[0] if before else None, asked["limit"] + 1)
        page, rest = cursors.page(found, asked["limit"], "sequence")
        partition = partition_of_account(account.number)
        records = records_at(connection, partition, [line.sequence for line in page])
        refunded = _refunded(connection, records.values())
        minor_units = load_currencies(connection, [account.currency])[account.currency].minor_units
        elsewhere = parties_elsewhere(account.id, records.values())
        sees = seen_of(request.principal, connection, elsewhere).__contains__
    id, code = account.id, account.currency
    rows = [
        seen_from(id, code, records[line.sequence], line.change, line.balance, minor_units, sees)
        for line in page
    ]
    for row in rows:
        if row["id"] in refunded and row["counterparty"] != NOT_TOLD:
            row["refunded"] = money.view(refunded[row["id"]], account.currency, minor_units)
    return {"data": rows, **rest}


def list_pending(ledger: Resources, request: Request) -> dict[str, Any]:
    """What is reserved of an account, or for it, and neither posted, voided nor lapsed: the latest first."""
    asked, now = request.arguments, clock.now_us()
    before = cursors.decode(asked["cursor"], str)
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        # Of payees there is no index; what is open of all accounts is not much.
        concerns = or_(things.c.owner == account.id, things.c.body.contains(f'"payee":"{account.id}"'))
        found = list_things(
            connection,
            "pending",
            things.c.due_at > now,
            concerns,
            before=before[0] if before else None,
            limit=asked["limit"] + 1,
        )
        page, more = found[: asked["limit"]], len(found) > asked["limit"]
        records = records_of(connection, [id for id, _ in page])
        minor_units = load_currencies(connection, [account.currency])[account.currency].minor_units
    views = [_reserved_view(records[id], thing, minor_units, now, account.id.__eq__) for id, thing in page]
    return {"data": views, "next_cursor": cursors.encode(page[-1][0]) if more else None, "has_more": more}


def _find(connection: Connection, id: str) -> tuple[Record, dict[str, Any]]:
    """A transfer's record, and what it says of the transfer. Raises Refusal `not-found`."""
    record, position = record_of(connection, id), 0
    if record is None:
        leg = load_things(connection, [("leg", id)]).get(("leg", id))
        if leg is not None:
            record, position = record_of(connection, leg.body["command"]), leg.body["position"]
            assert record is not None
    found = transfers_of(record) if record is not None else []
    if record is None or not found or found[position]["id"] != id:
        raise Refusal("not-found")
    return record, found[position]


def _reserved_view(record: Record, thing: Thing, minor_units: int, now: int, sees: Sees) -> dict[str, Any]:
    """A pending transfer as it stands at a moment, or as it ended."""
    transfer, body = record.payload["transfer"], thing.body
    status = body["status"]
    if status == "pending" and body["lapses_at"] <= now:
        status = "lapsed"
    view = transfer_view(record, transfer, minor_units, sees, status)
    if "posted" in body:
        view["posted"] = money.view(body["posted"], transfer["currency"], minor_units)
        view["posting"] = body["transfer"]
    return view


def _refunded(connection: Connection, records: Iterable[Record]) -> dict[str, int]:
    """What of the transfers of some records has gone back."""
    keys = [("refunded", transfer["id"]) for record in records for transfer in transfers_of(record)]
    return {id: thing.body["amount"] for (_, id), thing in load_things(connection, keys).items()}
