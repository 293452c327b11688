"""What several pages need: the currencies and their names, figures in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway import formats, i18n
from gateway.asking import ask_openly
from gateway.i18n import gettext as _
from gateway.wiring import wiring
from shared.contracts import ledger

CURRENCIES_SECONDS = 5.0
MAX_CURRENCIES = 1_000

Currency = Mapping[str, Any]
Series = Mapping[str, Any]

UNDEFINED = "—"


def currencies() -> dict[str, Currency]:
    """All currencies by code, as they were at most some seconds ago."""
    found: dict[str, Currency] = wiring().recent.get("currencies", CURRENCIES_SECONDS, _all_currencies)
    return found


def currency_of(code: str) -> Currency:
    """A currency, also one that was created a moment ago. Raises Refusal `not-found`."""

    def ask() -> Currency:
        found: Currency = ask_openly(ledger.SERVICE, "get_currency", {"id": code})
        return found

    return currencies().get(code) or wiring().recent.get(("currency", code), CURRENCIES_SECONDS, ask)


def currency_name(currency: Currency) -> str:
    """A currency's name in the reader's language, or in English, or its code."""
    names = currency["names"]
    return str(names.get(i18n.language()) or names.get("en") or currency["code"])


def latest(series: Series) -> Mapping[str, Any] | None:
    """The last period of a series, if it has any."""
    return series["values"][-1] if series["values"] else None


def in_words(series: Series, value: Any) -> str:
    """A figure with its unit, as the reader writes it."""
    if value is None:
        return UNDEFINED
    unit = series["indicator"]["unit"]
    if unit == "money":
        return formats.cash(value, series["currency"], series["minor_units"])
    if unit == "count":
        return formats.count(value)
    number = formats.ratio(Decimal(str(value)), 3)
    if unit == "weeks":
        return _("%(number)s weeks") % {"number": number}
    return _("%(number)s a week") % {"number": number} if unit == "per_week" else number


def _all_currencies() -> dict[str, Currency]:
    found: dict[str, Currency] = {}
    cursor = None
    while len(found) < MAX_CURRENCIES:
        page = ask_openly(ledger.SERVICE, "list_currencies", {"cursor": cursor, "limit": 200})
        found |= {currency["code"]: currency for currency in page["data"]}
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    return found
