"""What moved an account's balance, read in the order of its index: no page reads the whole history."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from services.ledger.tables import entries

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
    query = (
        # Each row tells the account's total after the record.
        select(entries.c.sequence, entries.c.amount, func.coalesce(entries.c.total, entries.c.balance))
        .where(entries.c.account == account)
        .order_by(entries.c.sequence.desc(), entries.c.bucket.desc())
        .limit(size)
    )
    if before is not None:
        query = query.where(entries.c.sequence < before)
    found = connection.execute(query).all()
    lines: list[Line] = []
    for sequence, amount, balance in found:
        if lines and lines[-1].sequence == sequence:
            lines[-1] = Line(sequence, lines[-1].change + amount, max(lines[-1].balance, balance))
        else:
            lines.append(Line(sequence, amount, balance))
    complete = len(found) < size
    return (lines if complete else lines[:-1]), complete
