"""Which version of a currency's charter is in force."""

from typing import Any

import msgspec

from services.ledger.kernel.rules import Rules, simple_charter
from services.ledger.kernel.state import Currency, State
from shared.contracts.charters import Charter


def version_at(versions: list[list[int]], now: int) -> int:
    """The version that holds at a moment, of `[[version, valid_from], ...]` in the order of their coming."""
    held = [version for version, valid_from in versions if valid_from <= now]
    return held[-1] if held else versions[0][0]


def charter_key(code: str, version: int) -> tuple[str, str]:
    """Where a version stands among the things."""
    return ("charter", f"{code}/{version}")


def rules_at(state: State, currency: Currency, now: int) -> Rules:
    """The rules of a currency in force at a moment (Unix microseconds); read once, then kept."""
    listed = state.things["charters", currency.code]
    version = 1 if listed is None else version_at(listed.body["versions"], now)
    key = (currency.code, str(version))
    rules = state.rules.get(key)
    if rules is None:
        thing = state.things[charter_key(currency.code, version)]
        document = None if thing is None else thing.body["document"]
        rules = Rules(read(document) if document is not None else _simple(currency), version)
        state.rules[key] = rules
    return rules


def read(document: dict[str, Any]) -> Charter:
    """A charter from plain data."""
    return msgspec.convert(document, Charter)


def _simple(currency: Currency) -> Charter:
    return simple_charter(
        currency.names,
        currency.kind,
        currency.minor_units,
        currency.default_credit_limit,
        currency.maximum_balance,
    )
