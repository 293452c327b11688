"""What moved an account's balance, read in the order of its index: no page reads the whole history."""

from typing import NamedTuple

from sqlalchemy import Connection

from services.ledger.entries import last_entries

MORE_LINES = 16
"""Read beyond what was asked for: a record has as many lines of an account as it touches of its buckets."""


class Line(NamedTuple):
    """A record by its number, what it changed of the account's total, and the total after it."""

    sequence: int
    change: int
    balance: int


def lines_before(connection: Connection, account: int, before: int | None, limit: int) -> list[Line]:
    """At most `limit` records that changed the total of an account (its number), newest first, of those
    before a sequence number. What moves units between an account's own buckets changes nothing.
    """
    lines: list[Line] = []
    size = limit + MORE_LINES
    while True:
        summed, complete = _summed(connection, account, before, size)
        lines += (line for line in summed if line.change)
        if complete or len(lines) >= limit:
            return lines[:limit]
        if summed:
            before = summed[-1].sequence
        else:
            # All that was read is of one record.
            size *= 2


def _summed(connection: Connection, account: int, before: int | None, size: int) -> tuple[list[Line], bool]:
    """The records of so many rows, each with all its rows, and whether there are no others."""
    found = last_entries(connection, account, None if before is None else before - 1, size)
    lines: list[Line] = []
    for sequence, amount, total in found:
        if lines and lines[-1].sequence == sequence:
            lines[-1] = lines[-1]._replace(change=lines[-1].change + amount)
        else:
            lines.append(Line(sequence, amount, total))
    complete = len(found) < size
    return (lines if complete else lines[:-1]), complete
