"""What all tables of the community of practice share: one database, with one outbox."""

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, String, Text

from shared.outbox.table import outbox_table

METADATA = MetaData()
ID = String(36)

outbox = outbox_table(METADATA)


def words(name: str, longest: int | None = None) -> Column[Any]:
    """Text that is always there, perhaps empty."""
    return Column(name, String(longest) if longest else Text, nullable=False)


def moment(name: str, *, known: bool = True) -> Column[Any]:
    """Unix time in microseconds; null, where not `known`, for what has not happened."""
    return Column(name, BigInteger, nullable=not known)
