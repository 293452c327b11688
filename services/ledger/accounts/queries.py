"""Accounts as they are shown: one, many, whose they are, and what was in them at a time."""

from typing import Any

from sqlalchemy import Connection, select

from services.ledger.access import SEEING_ALL, access_account
from services.ledger.currencies.queries import load_currencies
from services.ledger.journal.reader import last_until
from services.ledger.kernel.state import Account, partition_of_account
from services.ledger.resources import Resources
from services.ledger.tables import accounts, balances, entries
from services.ledger.views import account_view
from services.ledger.writer import rows
from shared import cursors
from shared.contracts import clock, money
from shared.contracts.errors import Fault, Refusal
from shared.contracts.primitives import HOLDER_KINDS
from shared.messaging.service import Request

_COLUMNS = [accounts.c[name.strip()] for name in rows.ACCOUNT_COLUMNS.split(",")]


def get_account(ledger: Resources, request: Request) -> dict[str, Any]:
    """One account with its balance and what is available."""
    with ledger.database.read() as connection:
        access_account(connection, request.principal, request.arguments["id"])
        found = connection.execute(select(*_COLUMNS).where(accounts.c.id == request.arguments["id"]))
        return _views(connection, [rows.account(row) for row in found])[0]


def list_accounts(ledger: Resources, request: Request) -> dict[str, Any]:
    """Accounts in the order of their opening, of a currency or a holder; members see their own alone."""
    asked = request.arguments
    query = select(*_COLUMNS).order_by(accounts.c.number).limit(asked["limit"] + 1)
    if after := cursors.decode(asked["cursor"], int):
        query = query.where(accounts.c.number > after[0])
    if asked["currency"]:
        query = query.where(accounts.c.currency == asked["currency"])
    holder = asked["holder"]
    if not request.principal.has(*SEEING_ALL):
        if holder not in (None, request.principal.subject):
            raise Refusal("not-permitted", action="list other people's accounts")
        holder = request.principal.subject
    if holder:
        query = query.where(accounts.c.holder == holder)
    with ledger.database.read() as connection:
        found = [rows.account(row) for row in connection.execute(query)]
        page, rest = cursors.page(found, asked["limit"], "number")
        return {"data": _views(connection, page), **rest}


def find_payees(ledger: Resources, request: Request) -> dict[str, Any]:
    """Which of some holders have an account in the currency, and its id: the oldest of several."""
    asked = request.arguments
    query = (
        select(accounts.c.holder, accounts.c.id)
        .where(
            accounts.c.currency == asked["currency"],
            accounts.c.holder.in_(asked["holders"]),
            accounts.c.kind.in_(HOLDER_KINDS),
        )
        .order_by(accounts.c.number.desc())
    )
    with ledger.database.read() as connection:
        return {"accounts": {row.holder: row.id for row in connection.execute(query)}}


def get_holders(ledger: Resources, request: Request) -> dict[str, Any]:
    """The holders of some accounts."""
    query = select(accounts.c.id, accounts.c.holder).where(
        accounts.c.id.in_(request.arguments["accounts"]), accounts.c.holder.is_not(None)
    )
    with ledger.database.read() as connection:
        return {"holders": {row.id: row.holder for row in connection.execute(query)}}


def get_balance(ledger: Resources, request: Request) -> dict[str, Any]:
    """What was in an account at a time of recording: the total after the last entry until then."""
    asked = request.arguments
    at = clock.now_us() if asked["at"] is None else _moment(asked["at"])
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        minor_units = load_currencies(connection, [account.currency])[account.currency].minor_units
        last = connection.execute(
            select(entries.c.sequence, entries.c.balance, entries.c.total)
            .where(
                entries.c.account == account.number,
                entries.c.sequence <= last_until(connection, partition_of_account(account.number), at),
            )
            .order_by(entries.c.sequence.desc())
            .limit(1)
        ).first()
    amount = 0
    if last is not None:
        amount = last.balance if last.total is None else last.total
    return {
        "account": account.id,
        "at": clock.to_text(at),
        "axis": "recorded",
        "balance": money.view(amount, account.currency, minor_units),
        "sequence": last.sequence if last else 0,
    }


def _moment(text: str) -> int:
    try:
        return clock.from_text(text)
    except (ValueError, OverflowError) as error:
        fault = Fault("/at", "invalid", "a time such as 2026-11-23T10:00:00Z")
        raise Refusal("invalid-request", (fault,)) from error


def _views(connection: Connection, found: list[Account]) -> list[dict[str, Any]]:
    """The views of accounts of any currencies, with their balances."""
    numbers = [account.number for account in found]
    held = connection.execute(
        select(balances.c.account, balances.c.bucket, balances.c.balance, balances.c.total).where(
            balances.c.account.in_(numbers)
        )
    )
    rows.add_balances(found, (tuple(row) for row in held))
    known = load_currencies(connection, list({account.currency for account in found}))
    return [account_view(account, known[account.currency].minor_units) for account in found]
