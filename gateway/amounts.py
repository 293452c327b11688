"""Amounts as people write them, read strictly: what is not surely an amount is refused, never guessed at.

Digits may be ASCII, Arabic-Indic or extended Arabic-Indic. There is no grouping: "1.250" is more than a
thousand in one language and little more than one in another.
Hours are written as hours and minutes, "1:20".
"""

import re

from gateway import i18n
from shared.contracts import money
from shared.contracts.money import MAX_AMOUNT

ARABIC_DECIMAL = "\u066b"
MAX_LENGTH = 40
MAX_WHOLE_DIGITS = 16

_TO_ASCII = str.maketrans({chr(zero + value): str(value) for zero in (0x0660, 0x06F0) for value in range(10)})
_PLAIN = re.compile(rf"^([0-9]{{1,{MAX_WHOLE_DIGITS}}})(?:(.)([0-9]+))?$")


class NotAnAmount(ValueError):
    """The text is no amount of this currency."""


def decimal_separator() -> str:
    """What stands between units and decimals in the present language, with the digits that the pages use."""
    return str(i18n.locale().number_symbols["latn"]["decimal"])


def separator(minor_units: int) -> str:
    """What stands between the two parts of an amount of this scale."""
    return ":" if minor_units == 60 else decimal_separator()


def field_decimals(minor_units: int) -> int:
    """How many digits may follow the separator in a field: two for the minutes of an hour."""
    return 2 if minor_units == 60 else money.decimals(minor_units)


def example(minor_units: int) -> str:
    """An amount written in the way that will be read."""
    if minor_units == 60:
        return "1:20"
    whole = "12"
    decimals = money.decimals(minor_units)
    return whole + (decimal_separator() + "500"[:decimals].ljust(decimals, "0") if decimals else "")


def read(text: str, minor_units: int) -> int:
    """The amount in minor units, from 1 to MAX_AMOUNT. Raises NotAnAmount."""
    if len(text) > MAX_LENGTH:
        raise NotAnAmount(text)
    plain = text.strip().translate(_TO_ASCII).replace(ARABIC_DECIMAL, decimal_separator())
    match = _PLAIN.match(plain)
    if match is None:
        raise NotAnAmount(text)
    whole, mark, rest = match.groups()
    if mark is not None and mark != separator(minor_units):
        raise NotAnAmount(text)
    amount = int(whole) * minor_units + _fraction(rest or "", minor_units, text)
    if not 1 <= amount <= MAX_AMOUNT:
        raise NotAnAmount(text)
    return amount


def written(amount: int, minor_units: int) -> str:
    """An amount as `read` takes it back, to fill a field with."""
    return money.plain(amount, minor_units).replace(".", decimal_separator())


def _fraction(digits: str, minor_units: int, text: str) -> int:
    if not digits:
        return 0
    if minor_units == 60:
        if len(digits) != 2 or int(digits) > 59:
            raise NotAnAmount(text)
        return int(digits)
    decimals = money.decimals(minor_units)
    if len(digits) > decimals:
        raise NotAnAmount(text)
    return int(digits.ljust(decimals, "0"))
