"""What all tables of the dashboard share.

Whole numbers are 64 bits on both engines. SQLite's tables are STRICT: where a sum outgrew 64 bits, SQLite
would go on with a floating-point number; a strict table refuses it.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData

METADATA = MetaData()
WHOLE = BigInteger().with_variant(Integer(), "sqlite")
STRICT: dict[str, Any] = {"sqlite_strict": True}
CLUSTERED: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}
"""For tables that are read by their primary key alone: SQLite keeps the rows in its order."""


def key(name: str) -> "Column[int]":
    """A part of a primary key that the database does not number by itself."""
    return Column(name, WHOLE, primary_key=True, autoincrement=False)


def whole(name: str, **options: Any) -> "Column[int]":
    """A whole number that is always known."""
    return Column(name, WHOLE, nullable=False, **options)
