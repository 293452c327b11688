"""Writing many rows with one statement, adding to those that are there: the same on both engines."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, Text

_BRACES = str.maketrans("[]", "{}")


def put(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    key: tuple[str, ...],
    replace: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert rows; where a row with that `key` stands, `replace` some of its columns and `add` to others.

    No two of the rows may have the same key.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_statement(table, columns, key, replace, add, False), list(rows))
    else:
        # One array for each column: PostgreSQL parses a short statement, whatever the number of rows.
        columns_of_rows = zip(*rows, strict=True)
        texts = (isinstance(table.c[name].type, Text) for name in columns)
        arrays = tuple(
            list(values) if text else _whole_numbers(values)
            for values, text in zip(columns_of_rows, texts, strict=True)
        )
        connection.exec_driver_sql(_statement(table, columns, key, replace, add, True), arrays)


def _whole_numbers(values: Sequence[int | None]) -> str:
    """An array of whole numbers as PostgreSQL reads it; the driver would take a microsecond for each."""
    return str(list(values)).translate(_BRACES).replace("None", "NULL")


def select_named(connection: Connection, query: str, names: Sequence[str]) -> Sequence[Any]:
    """Rows of a query that ends in "IN" and takes these names, however many they are."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(f"{query} (SELECT value FROM json_each(?))", (json.dumps(names),))
    else:
        found = connection.exec_driver_sql(f"{query} (SELECT unnest(%s::text[]))", (list(names),))
    return found.all()


@lru_cache(maxsize=64)
def _statement(
    table: Table,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    replace: tuple[str, ...],
    add: tuple[str, ...],
    arrays: bool,
) -> str:
    if arrays:
        kinds = ("text" if isinstance(table.c[name].type, Text) else "bigint" for name in columns)
        source = f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
    else:
        source = f"VALUES ({', '.join('?' for _ in columns)})"
    changes = [f"{name} = excluded.{name}" for name in replace]
    changes += [f"{name} = {table.name}.{name} + excluded.{name}" for name in add]
    action = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) {source} ON CONFLICT ({', '.join(key)}) DO {action}"
    )
