"""Currencies and their charters as they are shown; they are public."""

from typing import Any

from sqlalchemy import select

from services.ledger.currencies.views import charter_view, currency_view
from services.ledger.kernel.charters import charter_key, rules_of, version_at, versions_of
from services.ledger.kernel.needs import Looking
from services.ledger.kernel.state import Currency
from services.ledger.reading import CURRENCY_COLUMNS, load_currencies, load_state, read_moment
from services.ledger.resources import Resources
from services.ledger.tables import currencies
from services.ledger.writer import rows
from shared.contracts import clock
from shared.contracts.charters import document
from shared.contracts.errors import Refusal
from shared.messaging.service import Request


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
        found = connection.execute(select(*CURRENCY_COLUMNS).order_by(currencies.c.code))
        views = [currency_view(rows.currency(row)) for row in found]
    return {"data": views, "next_cursor": None, "has_more": False}


def get_charter(ledger: Resources, request: Request) -> dict[str, Any]:
    """A version of a currency's charter: that with a number, or that which holds at a time, now by default.

    Refused as `not-found` where there is no such version, or none that held by then.
    """
    asked, now = request.arguments, clock.now_us()
    code, version = asked["currency"], asked["version"]
    at = now if asked["at"] is None else read_moment(asked["at"])

    def look(looking: Looking) -> None:
        looking.currency(code)
        if version is not None:
            looking.thing(*charter_key(code, version))

    with ledger.database.read() as connection:
        # What `look` finds depends on the time: the version in force by then.
        state = load_state(connection, look, at)
    currency: Currency | None = state.currencies[code]
    if currency is None:
        raise Refusal("not-found")
    versions = versions_of(state, currency)
    if version is None and versions[0][1] <= at:
        version = version_at(versions, at)
    if version not in [number for number, _ in versions]:
        raise Refusal("not-found")
    rules = rules_of(state, currency, version)
    return charter_view(code, version, versions, document(rules.charter), now)
