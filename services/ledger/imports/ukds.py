"""The research log of UK Data Service collection 855142, read row by row.

Columns: id, timeset, transfer_subtype, source, target, weight, token_name, token_address. `timeset` is UTC.
`weight` is a decimal number of units with up to 12 places.

Rounding: a weight becomes minor units by rounding half to even (1.005 of 100 minor units is 100, 1.015 is
102); a row whose amount rounds to nothing is not a transfer and is told as an exception.
"""

import csv
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import NamedTuple, TextIO

from shared.contracts import clock
from shared.contracts.money import MAX_AMOUNT

COLUMNS = ("id", "timeset", "transfer_subtype", "source", "target", "weight", "token_name", "token_address")
DISBURSEMENT, RECLAMATION, STANDARD, AGENT_OUT = "DISBURSEMENT", "RECLAMATION", "STANDARD", "AGENT_OUT"
SUBTYPES = (DISBURSEMENT, RECLAMATION, STANDARD, AGENT_OUT)
ADDRESS = re.compile(r"^[!-~]{1,100}$")
"""An address is opaque: any printable ASCII without blanks."""
TIMESET = re.compile(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?$")
WEIGHT = re.compile(r"^\d{1,18}(\.\d{1,12})?$")
NAME_LENGTH = 60


class WrongFormat(Exception):
    """The file is no such log; the message says what was found and what was expected."""


class Row(NamedTuple):
    """A row that can be read. `number` counts from 1 after the header; `amount` is in minor units."""

    number: int
    id: str
    occurred_at: int
    subtype: str
    source: str
    target: str
    amount: int
    token_name: str


class BadRow(NamedTuple):
    """A row that cannot be read, and why."""

    number: int
    id: str
    detail: str


def read(file: TextIO, minor_units: int) -> Iterator[Row | BadRow]:
    """The rows of a log in file order, one at a time. Raises WrongFormat where the header is another."""
    lines = csv.reader(file)
    header = next(lines, [])
    if tuple(name.strip().lstrip("\ufeff") for name in header) != COLUMNS:
        raise WrongFormat(f"the first line must be {','.join(COLUMNS)}, not {','.join(header)[:200]!r}")
    number = 0
    while True:
        number += 1
        try:
            fields = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(number, "", f"no CSV: {error}")
            continue
        yield _row(number, fields, minor_units)


def _row(number: int, fields: list[str], minor_units: int) -> Row | BadRow:
    row_id = fields[0][:100] if fields else ""
    if len(fields) != len(COLUMNS):
        return BadRow(number, row_id, f"{len(fields)} columns instead of {len(COLUMNS)}")
    _, timeset, subtype, source, target, weight, token_name, _ = fields
    if subtype not in SUBTYPES:
        return BadRow(number, row_id, f"transfer_subtype {subtype[:40]!r} is none of {', '.join(SUBTYPES)}")
    try:
        _check_address("source", source)
        _check_address("target", target)
        return Row(
            number,
            row_id,
            _moment(timeset),
            subtype,
            source,
            target,
            _amount(weight, minor_units),
            "".join(filter(str.isprintable, token_name))[:NAME_LENGTH],
        )
    except ValueError as error:
        return BadRow(number, row_id, str(error))


def _check_address(column: str, text: str) -> None:
    if not ADDRESS.match(text):
        raise ValueError(
            f"{column} {text[:40]!r} is no address: 1 to 100 printable characters without blanks"
        )


def _moment(text: str) -> int:
    if not TIMESET.match(text):
        raise ValueError(f"timeset {text[:40]!r} is no time such as 2020-01-25 19:13:17.731529")
    try:
        return clock.from_text(text + "Z")
    except ValueError as error:
        raise ValueError(f"timeset {text[:40]!r}: {error}") from None


def _amount(text: str, minor_units: int) -> int:
    if not WEIGHT.match(text):
        raise ValueError(f"weight {text[:40]!r} is no positive decimal number with at most 12 places")
    try:
        exact = Decimal(text) * minor_units
    except InvalidOperation:
        raise ValueError(f"weight {text[:40]!r} is too large") from None
    amount = int(exact.to_integral_value(ROUND_HALF_EVEN))
    if not 1 <= amount <= MAX_AMOUNT:
        raise ValueError(
            f"weight {text[:40]!r} rounds to {amount} minor units; 1 to {MAX_AMOUNT} are possible"
        )
    return amount
