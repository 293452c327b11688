"""The research log of UK Data Service collection 855142, read row by row.

Columns: id, timeset, transfer_subtype, source, target, weight, token_name, token_address. `timeset` is UTC.
`weight` is a decimal number of units with up to 12 places. A row is a line, so that an unclosed quote spoils
one row and not those below it.

Rounding: a weight becomes minor units by rounding half to even (1.005 of 100 minor units is 100, 1.015 is
102); a row whose amount rounds to nothing is not a transfer and is told as an exception.
"""

import csv
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import NamedTuple, TextIO

from shared.contracts import clock
from shared.contracts.money import MAX_AMOUNT

COLUMNS = ("id", "timeset", "transfer_subtype", "source", "target", "weight", "token_name", "token_address")
DISBURSEMENT, RECLAMATION, STANDARD, AGENT_OUT = "DISBURSEMENT", "RECLAMATION", "STANDARD", "AGENT_OUT"
SUBTYPES = (DISBURSEMENT, RECLAMATION, STANDARD, AGENT_OUT)
ADDRESS = re.compile(r"[!-~]{1,100}")
"""An address is opaque: any printable ASCII without blanks."""
TIMESET = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?", re.ASCII)
WEIGHT = re.compile(r"\d{1,18}(\.\d{1,12})?", re.ASCII)
NOT_UTF8 = re.compile("[\udc80-\udcff]")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NAME_LENGTH = 60
LINE_LENGTH = 16_384

UNREADABLE = "unreadable-row"
IN_THE_FUTURE = "in-the-future"
ANOTHER_TOKEN = "another-token"


class WrongFormat(Exception):
    """The file is no such log; the message says what was found and what was expected."""


class Row(NamedTuple):
    """A row that can be read. `number` counts lines from 1 after the header; `amount` is in minor units."""

    number: int
    id: str
    occurred_at: int
    subtype: str
    source: str
    target: str
    amount: int
    token_name: str
    token_address: str


class BadRow(NamedTuple):
    """A row that cannot be a transfer: a reason for programs, and a sentence that says why."""

    number: int
    id: str
    reason: str
    detail: str


def open_log(path: Path) -> TextIO:
    """The file as `read` wants it: bytes that are not UTF-8 stay recognisable."""
    return open(path, newline="", encoding="utf-8", errors="surrogateescape")


def read(file: TextIO, minor_units: int, now: int) -> Iterator[Row | BadRow]:
    """The rows of a log in file order, one at a time; blank lines are none.

    `now` (Unix microseconds) is what no row may lie behind. All rows are of one token, that of the first row
    that can be read. Raises WrongFormat where the header is another.
    """
    lines = _lines(file)
    _check_header(next(lines, ""))
    token: str | None = None
    for number, line in enumerate(lines, 1):
        if line is not None and not line.strip():
            continue
        row = _read_line(number, line, minor_units)
        if isinstance(row, Row):
            token = row.token_address if token is None else token
            row = _checked(row, token, now)
        yield row


def _lines(file: TextIO) -> Iterator[str | None]:
    """Lines without their ends; None for one that is too long to be held."""
    while line := file.readline(LINE_LENGTH):
        whole = line.endswith(("\n", "\r"))
        if whole or len(line) < LINE_LENGTH:
            yield line.rstrip("\r\n")
            continue
        while (rest := file.readline(LINE_LENGTH)) and not rest.endswith(("\n", "\r")):
            pass
        yield None


def _check_header(line: str | None) -> None:
    names = (line or "").lstrip("\ufeff").split(",")
    if tuple(name.strip().strip('"') for name in names) != COLUMNS:
        raise WrongFormat(f"its first line must be {','.join(COLUMNS)}, not {(line or '')[:200]!r}")


def _read_line(number: int, line: str | None, minor_units: int) -> Row | BadRow:
    if line is None:
        return BadRow(number, "", UNREADABLE, f"the line is longer than {LINE_LENGTH} characters")
    spoilt = NOT_UTF8.search(line) or CONTROL.search(line)
    if spoilt is not None:
        what = "is not UTF-8" if ord(spoilt[0]) > 127 else f"contains the control character {spoilt[0]!r}"
        return BadRow(number, _readable(line.partition(",")[0]), UNREADABLE, f"the line {what}")
    try:
        fields = next(csv.reader((line,), strict=True))
    except csv.Error as error:
        return BadRow(number, _readable(line.partition(",")[0]), UNREADABLE, f"the line is no CSV: {error}")
    return _read_fields(number, fields, minor_units)


def _read_fields(number: int, fields: list[str], minor_units: int) -> Row | BadRow:
    row_id = _readable(fields[0])
    if len(fields) != len(COLUMNS):
        return BadRow(number, row_id, UNREADABLE, f"{len(fields)} columns instead of {len(COLUMNS)}")
    _, timeset, subtype, source, target, weight, token_name, token_address = fields
    try:
        _check_subtype(subtype)
        _check_address("source", source)
        _check_address("target", target)
        name = "".join(filter(str.isprintable, token_name))[:NAME_LENGTH]
        amount = _amount(weight, minor_units)
        moment = _moment(timeset)
    except ValueError as error:
        return BadRow(number, row_id, UNREADABLE, str(error))
    return Row(number, row_id, moment, subtype, source, target, amount, name, token_address)


def _checked(row: Row, token: str, now: int) -> Row | BadRow:
    """The row, unless it is of another token or has not happened yet."""
    if row.token_address != token:
        detail = f"its token is {row.token_address[:60]!r}, that of the rows before {token[:60]!r}"
        return BadRow(row.number, row.id, ANOTHER_TOKEN, detail)
    if row.occurred_at > now:
        return BadRow(row.number, row.id, IN_THE_FUTURE, f"{clock.to_text(row.occurred_at)} has not come yet")
    return row


def _readable(row_id: str) -> str:
    return "".join(filter(str.isprintable, row_id[:100]))


def _check_subtype(text: str) -> None:
    if text not in SUBTYPES:
        raise ValueError(f"transfer_subtype {text[:40]!r} is none of {', '.join(SUBTYPES)}")


def _check_address(column: str, text: str) -> None:
    if not ADDRESS.fullmatch(text):
        raise ValueError(
            f"{column} {text[:40]!r} is no address: 1 to 100 printable characters without blanks"
        )


def _moment(text: str) -> int:
    if not TIMESET.fullmatch(text):
        raise ValueError(f"timeset {text[:40]!r} is no time such as 2020-01-25 19:13:17.731529")
    try:
        return clock.from_text(text.replace(" ", "T") + "Z")
    except ValueError as error:
        raise ValueError(f"timeset {text[:40]!r}: {error}") from None


def _amount(text: str, minor_units: int) -> int:
    if not WEIGHT.fullmatch(text):
        raise ValueError(f"weight {text[:40]!r} is no positive decimal number with at most 12 places")
    # A product that may be booked has at most 28 digits, which is what Decimal multiplies exactly.
    amount = int((Decimal(text) * minor_units).to_integral_value(ROUND_HALF_EVEN))
    if not 1 <= amount <= MAX_AMOUNT:
        raise ValueError(
            f"weight {text[:40]!r} rounds to {amount} minor units; 1 to {MAX_AMOUNT} are possible"
        )
    return amount
