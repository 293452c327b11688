"""An account's entries, newest first. The index that leads to them is kept in volumes of the journal (see
`tables.VOLUME_BITS`), so that they are looked for volume by volume, and in no more of them than need be.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

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
    newest = _volume_in_use(account) if until is None else until >> VOLUME_BITS
    found = _read(connection, _within(account, newest, until, limit))
    if len(found) == limit:
        return found
    for older in _older(_reached(connection, found, newest)):
        asked = limit - len(found)
        parts = [_within(account, number, None, asked).subquery() for number in older]
        together = union_all(*(select(part) for part in parts)).subquery()
        found += _read(connection, _newest_first(select(together), together.c, asked))
        if len(found) == limit:
            break
    return found


def _volume_in_use(account: int) -> ColumnElement[int]:
    row = select(volume(partitions.c.last_sequence)).where(partitions.c.id == partition_of_account(account))
    return row.scalar_subquery()


def _reached(connection: Connection, found: list[Entry], newest: int | ColumnElement[int]) -> int:
    """The number of the volume that has been looked through."""
    if isinstance(newest, int):
        return newest
    if found:
        return found[0].sequence >> VOLUME_BITS
    return connection.execute(select(newest)).scalar() or 0


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
        query = query.where(entries.c.sequence >= number << VOLUME_BITS)
        query = query.where(entries.c.sequence < (number + 1) << VOLUME_BITS)
    if until is not None:
        query = query.where(entries.c.sequence <= until)
    return _newest_first(query, entries.c, limit)


def _newest_first(query: Select[Any], columns: Any, limit: int) -> Select[Any]:
    return query.order_by(columns.sequence.desc(), columns.bucket.desc()).limit(limit)


def _read(connection: Connection, query: Select[Any]) -> list[Entry]:
    return [Entry(*row[:3]) for row in connection.execute(query)]
