"""Units of an account that cannot be spent anywhere for ever: for what, and until when."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gateway import charter_words, formats
from gateway.asking import ask_openly
from gateway.i18n import gettext as _
from gateway.pages.common import CURRENCIES_SECONDS, Currency
from gateway.wiring import wiring
from shared.contracts import clock, ledger
from shared.contracts.charters import Charter, PurposeClause, read

LAST_DAY = "9999-12-31"


class Bound(NamedTuple):
    """Lines about units: those that lapse `soon`, by the charter's days of notice, and the `others`."""

    soon: list[str]
    others: list[str]


def bound_units(account: Mapping[str, Any], currency: Currency) -> Bound:
    """What the wallet tells of an account's units that are for a purpose or lapse."""
    soon, units = account["expires_soon"], account["units"]
    purposes: dict[str, PurposeClause] = {}
    if any(each["purpose"] for each in units):
        purposes = {each.code: each for each in _charter(currency).purposes}
    others = [each for each in units if each not in soon]
    return Bound(_lines(soon, purposes, currency), _lines(others, purposes, currency))


def _lines(
    units: Iterable[Mapping[str, Any]], purposes: Mapping[str, PurposeClause], currency: Currency
) -> list[str]:
    ordered = sorted(units, key=lambda each: (each["expires_on"] or LAST_DAY, each["purpose"] or ""))
    return [line for each in ordered if (line := _line(each, purposes, currency))]


def _line(units: Mapping[str, Any], purposes: Mapping[str, PurposeClause], currency: Currency) -> str:
    """Nothing, for units without purpose or end. A purpose that the charter names no more has ended."""
    purpose, last = purposes.get(units["purpose"]), units["expires_on"]
    said = {
        "amount": formats.cash(units["amount"]["amount"], currency["code"], currency["minor_units"]),
        "day": formats.day(last) if last else "",
        "purpose": formats.isolated(charter_words.own_words(purpose.names)) if purpose else "",
    }
    if purpose is None:
        return _("%(amount)s can be spent until %(day)s.") % said if last else ""
    if last:
        line = _("%(amount)s for “%(purpose)s” can be spent until %(day)s.") % said
    else:
        line = _("%(amount)s can be spent for “%(purpose)s”.") % said
    if purpose.since and purpose.since > clock.to_text(clock.now_us())[: len(purpose.since)]:
        line += " " + _("They can be spent from %(day)s on.") % {"day": formats.day(purpose.since)}
    return line


def _charter(currency: Currency) -> Charter:
    def ask() -> Charter:
        found = ask_openly(ledger.SERVICE, "get_charter", {"currency": currency["code"], "version": None})
        return read(found["charter"])

    found: Charter = wiring().recent.get(("charter", currency["code"]), CURRENCIES_SECONDS, ask)
    return found
