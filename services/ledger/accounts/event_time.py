"""Balances by when things happened, where the journal was told later.

What was in an account at a moment, by event time, is what the books said at that moment and what was told
later of the time before it. Later records may still change it: it is provisional.
"""

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.elements import ColumnElement

from services.ledger.kernel.calendar import DAY_US
from services.ledger.tables import late_days, late_entries, reading_cursors


def read_until(connection: Connection, partition: int) -> int:
    """The record up to which late entries have been read from a partition's journal."""
    cursor = select(reading_cursors.c.sequence).where(reading_cursors.c.partition == partition)
    return connection.execute(cursor).scalar() or 0


def added_later(connection: Connection, account: int, at: int) -> int:
    """What happened to an account (its number) until a moment, and was recorded after it."""
    day = at // DAY_US
    begins, ends = day * DAY_US, (day + 1) * DAY_US
    days, single = late_days.c, late_entries.c
    return (
        _sum(connection, days.amount, days.account == account, days.occurred_on < day, days.recorded_on > day)
        + _sum(
            connection,
            single.amount,
            single.account == account,
            single.occurred_at >= begins,
            single.occurred_at <= at,
            single.recorded_at > at,
        )
        + _sum(
            connection,
            single.amount,
            single.account == account,
            single.occurred_at < begins,
            single.recorded_at > at,
            single.recorded_at < ends,
        )
    )


def _sum(connection: Connection, amount: ColumnElement[int], *conditions: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.coalesce(func.sum(amount), 0)).where(*conditions)).scalar_one())
