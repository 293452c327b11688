"""Money: integers of a currency's minor unit, never floats.

`minor_units` says how many minor units make one unit: 100 (cents), 1000 (millimes), 60 (minutes of an hour),
1 (none).
"""

MAX_AMOUNT = 2**53 - 1
"""The largest amount or balance, in minor units: the largest integer that every JSON reader takes exactly."""

MINOR_UNITS = (1, 10, 60, 100, 1000)
"""The scales that a currency may have; 60 is for time."""

_DECIMALS = {1: 0, 10: 1, 60: 0, 100: 2, 1000: 3}


def decimals(minor_units: int) -> int:
    """How many digits follow the decimal point when an amount is written (0 for hours and minutes)."""
    return _DECIMALS[minor_units]


def plain(amount: int, minor_units: int) -> str:
    """`amount` written in units, with a point and no grouping: 1250 of 100 is "12.50", 80 of 60 is "1:20"."""
    sign = "-" if amount < 0 else ""
    units, rest = divmod(abs(amount), minor_units)
    if minor_units == 1:
        return f"{sign}{units}"
    if minor_units == 60:
        return f"{sign}{units}:{rest:02d}"
    return f"{sign}{units}.{rest:0{decimals(minor_units)}d}"


def text(amount: int, currency: str, minor_units: int) -> str:
    """The readable text of a view, neutral of language: "12.50 PUMA", or "1 h 20 min" for time."""
    if minor_units == 60:
        sign = "-" if amount < 0 else ""
        hours, minutes = divmod(abs(amount), 60)
        parts = ([f"{hours} h"] if hours else []) + ([f"{minutes} min"] if minutes or not hours else [])
        return sign + " ".join(parts)
    return f"{plain(amount, minor_units)} {currency}"


def view(amount: int, currency: str, minor_units: int) -> dict[str, object]:
    """Money as every answer writes it: the integer, the currency and the readable text."""
    return {"amount": amount, "currency": currency, "text": text(amount, currency, minor_units)}
