"""Currencies and their charters as they are shown; they are public."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from services.ledger.currencies.views import charter_view, currency_view
from services.ledger.kernel.charters import charter_key, rules_of, version_at, versions_of
from services.ledger.kernel.needs import Looking
from services.ledger.kernel.state import Currency
from services.ledger.reading import CURRENCY_COLUMNS, load_currencies, load_state, load_things, read_moment
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
        names = _names_now(connection, found)
    return currency_view(found[code], names[code])


def list_currencies(ledger: Resources, request: Request) -> dict[str, Any]:
    """All currencies, in the order of their codes."""
    with ledger.database.read() as connection:
        listed = connection.execute(select(*CURRENCY_COLUMNS).order_by(currencies.c.code))
        found = {one.code: one for one in map(rows.currency, listed)}
        names = _names_now(connection, found)
    views = [currency_view(currency, names[code]) for code, currency in found.items()]
    return {"data": views, "next_cursor": None, "has_more": False}


def _names_now(connection: Connection, found: Mapping[str, Currency]) -> dict[str, dict[str, str]]:
    """The names of currencies by their charters in force, which may have changed since they were created."""
    now = clock.now_us()
    listed = load_things(connection, [("charters", code) for code in found])
    in_force = {code: version_at(thing.body["versions"], now) for (_, code), thing in listed.items()}
    charters = load_things(connection, [charter_key(*each) for each in in_force.items()])
    names = {code: currency.names for code, currency in found.items()}
    for code, version in in_force.items():
        charter = charters.get(charter_key(code, version))
        if charter is not None:
            names[code] = charter.body["document"]["names"]
    return names


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
