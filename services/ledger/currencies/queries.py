"""Currencies as they are shown; they are public."""

from typing import Any

from sqlalchemy import Connection, select

from services.ledger.kernel.state import Currency
from services.ledger.resources import Resources
from services.ledger.tables import currencies
from services.ledger.views import currency_view
from services.ledger.writer import rows
from shared.contracts.errors import Refusal
from shared.messaging.service import Request

_COLUMNS = [currencies.c[name.strip()] for name in rows.CURRENCY_COLUMNS.split(",")]


def get_currency(ledger: Resources, request: Request) -> dict[str, Any]:
    """One currency, by its code."""
    code = request.arguments["id"]
    with ledger.database.read() as connection:
        found = load_currencies(connection, [code])
    if code not in found:
        raise Refusal("not-found")
    return currency_view(found[code])


def list_currencies(ledger: Resources, request: Request) -> dict[str, Any]:
    """All currencies, in the order of their codes."""
    with ledger.database.read() as connection:
        found = connection.execute(select(*_COLUMNS).order_by(currencies.c.code))
        views = [currency_view(rows.currency(row)) for row in found]
    return {"data": views, "next_cursor": None, "has_more": False}


def load_currencies(connection: Connection, codes: list[str]) -> dict[str, Currency]:
    """Currencies by code, of those that exist."""
    found = connection.execute(select(*_COLUMNS).where(currencies.c.code.in_(codes)))
    return {one.code: one for one in map(rows.currency, found)}
