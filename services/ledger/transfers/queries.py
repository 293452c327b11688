"""Transfers as they are shown: one, and the history of an account, newest first."""

from typing import Any

from sqlalchemy import select

from services.ledger.access import access_account, may_see_any
from services.ledger.currencies.queries import load_currencies
from services.ledger.journal.reader import record_of, records_at
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import partition_of_account
from services.ledger.resources import Resources
from services.ledger.tables import entries
from services.ledger.views import transfer_view
from shared import cursors
from shared.contracts import ids, money
from shared.contracts.errors import Refusal
from shared.contracts.journal import TRANSFER_POSTED
from shared.messaging.service import Request


def get_transfer(ledger: Resources, request: Request) -> dict[str, Any]:
    """One transfer, for those who are party to it; for all others it is as if there were none."""
    transfer_id = request.arguments["id"]
    if not ids.is_id(transfer_id):
        raise Refusal("not-found")
    with ledger.database.read() as connection:
        record = record_of(connection, transfer_id)
        if record is None or record.type != TRANSFER_POSTED:
            raise Refusal("not-found")
        transfer = record.payload["transfer"]
        if not may_see_any(request.principal, connection, (transfer["payer"], transfer["payee"])):
            raise Refusal("not-found")
        currency = load_currencies(connection, [transfer["currency"]])[transfer["currency"]]
    return transfer_view(record, currency.minor_units)


def list_account_transfers(ledger: Resources, request: Request) -> dict[str, Any]:
    """An account's transfers, newest first, each with the account's change and its balance afterwards."""
    asked = request.arguments
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        query = (
            select(entries.c.sequence, entries.c.amount, entries.c.balance, entries.c.total)
            .where(entries.c.account == account.number)
            .order_by(entries.c.sequence.desc())
            .limit(asked["limit"] + 1)
        )
        if before := cursors.decode(asked["cursor"], int):
            query = query.where(entries.c.sequence < before[0])
        page, rest = cursors.page(list(connection.execute(query)), asked["limit"], "sequence")
        partition = partition_of_account(account.number)
        records = records_at(connection, partition, [line.sequence for line in page])
        minor_units = load_currencies(connection, [account.currency])[account.currency].minor_units
    return {"data": [_seen_from(account, line, records[line.sequence], minor_units) for line in page], **rest}


def _seen_from(account: Any, line: Any, record: Record, minor_units: int) -> dict[str, Any]:
    transfer = record.payload["transfer"]
    after = line.balance if line.total is None else line.total
    return {
        **transfer_view(record, minor_units),
        "change": money.view(line.amount, account.currency, minor_units),
        "balance": money.view(after, account.currency, minor_units),
        "counterparty": transfer["payee"] if transfer["payer"] == account.id else transfer["payer"],
    }
