"""An account's entries, newest first. The index that leads to them is kept in volumes of the journal (see
`tables.VOLUME_BITS`), so that they are looked for volume by volume, and in no more of them than need be.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    case,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from services.ledger.kernel.state import partition_of_account
from services.ledger.tables import VOLUME_BITS, entries, partitions, volume

MOST_VOLUMES = 32
"""In one statement. There are twice as many in each as in the one before."""


class Entry(NamedTuple):
    """A row: the record by its number, what it booked on one bucket, and the account's total after it."""

    sequence: int
    amount: int
    total: int


def last_entries(connection: Connection, account: int, until: int | None, limit: int) -> list[Entry]:
    """The last `limit` entries of an account (its number), newest first; `until` is the last record that
    counts, None for all that there are. A record may book on several buckets of the account.
    """
    newest = _newest_volume(account, until)
    found = _read(connection, _within(account, newest, until, limit))
    if len(found) == limit:
        return found
    reached = found[0].sequence >> VOLUME_BITS if found else connection.execute(select(newest)).scalar() or 0
    for older in _older(reached):
        asked = limit - len(found)
        parts = [_within(account, number, None, asked).subquery() for number in older]
        together = union_all(*(select(part) for part in parts)).subquery()
        found += _read(connection, _newest_first(select(together), together.c, asked))
        if len(found) == limit:
            break
    return found


def _newest_volume(account: int, until: int | None) -> ColumnElement[int]:
    """The number of the last volume to look through: whoever asks may name a record that is still to come."""
    last: ColumnElement[int] = partitions.c.last_sequence
    if until is not None:
        last = case((last > until, literal(until, BigInteger)), else_=last)
    row = select(volume(last)).where(partitions.c.id == partition_of_account(account))
    return row.scalar_subquery()


def _older(reached: int) -> Iterator[range]:
    """The volumes before one, backwards, in growing parts."""
    count = 1
    while reached > 0:
        last, reached = reached, max(0, reached - count)
        yield range(last - 1, reached - 1, -1)
        count = min(2 * count, MOST_VOLUMES)


def _within(account: int, number: int | ColumnElement[int], until: int | None, limit: int) -> Select[Any]:
    """The last entries of a volume."""
    query = select(
        entries.c.sequence,
        entries.c.amount,
        func.coalesce(entries.c.total, entries.c.balance).label("total"),
        entries.c.bucket,
    ).where(entries.c.account == account, volume(entries.c.sequence) == number)
    if isinstance(number, int):
        # SQLite's rows lie in the order of their records, and need no volumes.
        query = query.where(
            entries.c.sequence.between(number << VOLUME_BITS, (number + 1 << VOLUME_BITS) - 1)
        )
    else:
        query = query.where(entries.c.sequence >= number.op("<<")(literal_column(str(VOLUME_BITS))))
    if until is not None:
        query = query.where(entries.c.sequence <= until)
    return _newest_first(query, entries.c, limit)


def _newest_first(query: Select[Any], columns: Any, limit: int) -> Select[Any]:
    return query.order_by(columns.sequence.desc(), columns.bucket.desc()).limit(limit)


def _read(connection: Connection, query: Select[Any]) -> list[Entry]:
    return [Entry(*row[:3]) for row in connection.execute(query)]
