"""An account's history for a table: the rows of `list_account_transfers` with less in each, thousands at a
time.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from services.ledger.access import access_account, seen_of
from services.ledger.journal.reader import notes_at, records_at, stored_at
from services.ledger.kernel.state import partition_of_account
from services.ledger.reading import load_currencies
from services.ledger.resources import Resources
from services.ledger.transfers.history import parties_elsewhere, seen_from
from services.ledger.transfers.lines import Line, lines_before
from services.ledger.writer.packing import unpack
from shared import cursors
from shared.auth.principal import Principal
from shared.contracts import clock
from shared.contracts.journal import TRANSFER_POSTED
from shared.messaging.service import Request

Row = list[Any]
"""In the order of `shared.contracts.ledger.EXPORTED`."""


class _Transfer(msgspec.Struct):
    id: str
    kind: str
    payer: str
    payee: str
    note: str | None = None


class _Payload(msgspec.Struct):
    """What is read of a payload; the words of the rest are passed over."""

    transfer: _Transfer


_header = msgspec.json.Decoder(tuple[int, int, str, int, str, int, int]).decode
_payload = msgspec.json.Decoder(_Payload).decode


def export_account_transfers(ledger: Resources, request: Request) -> dict[str, Any]:
    """What moved an account's balance, newest first, as rows."""
    asked = request.arguments
    before = cursors.decode(asked["cursor"], int)
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        found = lines_before(connection, account.number, before[0] if before else None, asked["limit"] + 1)
        page, rest = cursors.page(found, asked["limit"], "sequence")
        minor_units = load_currencies(connection, [account.currency])[account.currency].minor_units
        rows = _rows(connection, request.principal, account, minor_units, page)
    return {"currency": account.currency, "minor_units": minor_units, "rows": rows, **rest}


def _rows(
    connection: Connection, principal: Principal, account: Any, minor_units: int, page: Sequence[Line]
) -> list[Row]:
    partition = partition_of_account(account.number)
    lines = {line.sequence: line for line in page}
    rows: dict[int, Row] = {}
    noted = []
    for sequence, header, payload in stored_at(connection, partition, list(lines)):
        _, _, _, _, type, recorded_at, occurred_at = _header(header)
        transfer = _payload(unpack(payload)).transfer if type == TRANSFER_POSTED else None
        if transfer is not None and account.id in (transfer.payer, transfer.payee):
            line = lines[sequence]
            rows[sequence] = [
                *(transfer.id, transfer.kind, "posted", recorded_at, occurred_at),
                transfer.payee if transfer.payer == account.id else transfer.payer,
                *(line.change, line.balance, "", ""),
            ]
            if transfer.note is not None:
                noted.append(sequence)
    for sequence, memo, case_reference in notes_at(connection, partition, noted):
        rows[sequence][-2:] = [memo, case_reference]
    rest = [sequence for sequence in lines if sequence not in rows]
    records = records_at(connection, partition, rest)
    sees = seen_of(principal, connection, parties_elsewhere(account.id, records.values())).__contains__
    for sequence, record in records.items():
        line = lines[sequence]
        view = seen_from(account.id, account.currency, record, line.change, line.balance, minor_units, sees)
        rows[sequence] = _as_row(view, line)
    return [rows[sequence] for sequence in lines]


def _as_row(view: dict[str, Any], line: Line) -> Row:
    return [
        *(view["id"], view["kind"], view["status"]),
        *(clock.from_text(view["recorded_at"]), clock.from_text(view["occurred_at"]), view["counterparty"]),
        *(line.change, line.balance, view["memo"], view["case_reference"]),
    ]
