"""Accounts as they are shown: one, many, whose they are, and what was in them at a time."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from services.ledger.access import access_account, knows_delegates, seen_of
from services.ledger.accounts.event_time import added_later, read_until
from services.ledger.accounts.views import account_view
from services.ledger.entries import last_entries
from services.ledger.journal.reader import last_until, records_of
from services.ledger.kernel.access import SEEING_ALL
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.state import Account, partition_of_account
from services.ledger.reading import load_accounts, load_currencies, read_moment
from services.ledger.resources import Resources
from services.ledger.tables import accounts, delegations
from shared import cursors
from shared.auth.principal import Principal
from shared.contracts import clock, money
from shared.contracts.errors import Refusal
from shared.contracts.primitives import HOLDER_KINDS
from shared.messaging.service import Request


def get_account(ledger: Resources, request: Request) -> dict[str, Any]:
    """One account as it is by now."""
    id = request.arguments["id"]
    with ledger.database.read() as connection:
        access_account(connection, request.principal, id)
        return _views(connection, [id], request.principal, clock.now_us())[0]


def list_accounts(ledger: Resources, request: Request) -> dict[str, Any]:
    """Accounts in the order of their opening, of a currency or a holder. Members see their own alone, or,
    where they ask for these, those of others that they may see.
    """
    asked, principal = request.arguments, request.principal
    query = select(accounts.c.number, accounts.c.id).order_by(accounts.c.number).limit(asked["limit"] + 1)
    if after := cursors.decode(asked["cursor"], int):
        query = query.where(accounts.c.number > after[0])
    if asked["currency"]:
        query = query.where(accounts.c.currency == asked["currency"])
    holder = asked["holder"]
    if asked["delegated"]:
        given = select(delegations.c.account).where(delegations.c.subject == principal.subject)
        query = query.where(accounts.c.number.in_(given))
    elif not principal.has(*SEEING_ALL):
        if holder not in (None, principal.subject):
            raise Refusal("not-permitted", action="list other people's accounts")
        holder = principal.subject
    if holder:
        query = query.where(accounts.c.holder == holder)
    with ledger.database.read() as connection:
        page, rest = cursors.page(list(connection.execute(query)), asked["limit"], "number")
        ids = [row.id for row in page]
        if asked["delegated"]:
            # The list of delegations follows the journal; rights are what the account says.
            seen = seen_of(principal, connection, ids)
            ids = [id for id in ids if id in seen]
        return {"data": _views(connection, ids, principal, clock.now_us()), **rest}


def find_payees(ledger: Resources, request: Request) -> dict[str, Any]:
    """Which of some holders have an account in the currency, and its id: the oldest of several that are not
    closed.
    """
    asked = request.arguments
    query = (
        select(accounts.c.holder, accounts.c.id)
        .where(
            accounts.c.currency == asked["currency"],
            accounts.c.holder.in_(asked["holders"]),
            accounts.c.kind.in_(HOLDER_KINDS),
            accounts.c.terms.not_like('%"closed":true%'),
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
    """What was in an account at a time: of recording, or of occurrence."""
    asked = request.arguments
    at = clock.now_us() if asked["at"] is None else read_moment(asked["at"])
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        minor_units = load_currencies(connection, [account.currency])[account.currency].minor_units
        partition = partition_of_account(account.number)
        sequence, amount = _recorded(connection, account.number, last_until(connection, partition, at))
        occurred = asked["axis"] == "occurred"
        if occurred:
            amount += added_later(connection, account.number, at)
            sequence = read_until(connection, partition)
    return {
        "account": account.id,
        "at": clock.to_text(at),
        "axis": asked["axis"],
        "balance": money.view(amount, account.currency, minor_units),
        "sequence": sequence,
        "provisional": occurred,
    }


def _recorded(connection: Connection, account: int, sequence: int) -> tuple[int, int]:
    """The last record until a sequence number that booked on an account, and the account's total after it."""
    last = last_entries(connection, account, sequence, 1)
    return (last[0].sequence, last[0].total) if last else (0, 0)


def _views(
    connection: Connection, ids: Sequence[str], principal: Principal, now: int
) -> list[dict[str, Any]]:
    """The views of accounts of any currencies, settled."""
    state = load_accounts(connection, ids, now)
    reasons = _reasons(connection, state.accounts.values())
    views = []
    for id in ids:
        draft = Draft(state, now)
        account = draft.account(id)
        minor_units = draft.currency(account.currency).minor_units
        known = knows_delegates(principal, account.holder)
        reason = reasons.get(account.terms.get("freeze"), "")
        views.append(account_view(draft, account, minor_units, frozen_reason=reason, with_delegates=known))
    return views


def _reasons(connection: Connection, found: Iterable[Account | None]) -> dict[str | None, str]:
    """What was written as the reason when accounts were frozen, by the commands that did it."""
    freezes = {account.terms["freeze"] for account in found if account and "freeze" in account.terms}
    if not freezes:
        return {}
    records = records_of(connection, freezes)
    return {command: record.note.memo for command, record in records.items() if record.note}
