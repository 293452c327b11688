"""The dashboard's projection as plain values, so that two of them can be compared."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from services.dashboard.projection import areas
from services.dashboard.projection.tables import IN_ORDER_OF_REMOVAL, cells
from shared.db.engine import Database

WITHOUT_CELLS = tuple(table for table in IN_ORDER_OF_REMOVAL if table is not cells)
"""What follows from the journal at once. Cells are worked out by a job, now and then."""


def dump(database: Database) -> dict[str, list[Any]]:
    """All tables of the projection."""
    with database.read() as connection:
        return rows_of(connection, IN_ORDER_OF_REMOVAL)


def rows_of(connection: Connection, tables: Sequence[Table]) -> dict[str, list[Any]]:
    """Tables of the projection, with ids instead of the database's own keys, and areas put together."""
    rows = {table.name: connection.execute(select(table)).mappings().all() for table in tables}
    accounts = {row["account"]: row["id"] for row in rows["accounts"]}
    pools = {row["pool"]: (row["currency"], row["territory"]) for row in rows["pools"]}
    names: dict[str, dict[int, Any]] = {"account": accounts, "pool": pools}
    names |= {"payer": accounts, "payee": accounts}

    def plain(row: dict[str, Any]) -> str:
        for area in [column.removesuffix("_high") for column in row if column.endswith("_high")]:
            row[area] = areas.join(row.pop(f"{area}_high"), row.pop(f"{area}_low"))
        return repr({column: names.get(column, {}).get(value, value) for column, value in row.items()})

    return {table: sorted(plain(dict(row)) for row in found) for table, found in rows.items()}
