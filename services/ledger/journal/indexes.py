"""Whether the ledger's indexes lead to the rows that stand in its tables: each engine checks its own."""

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.ledger.journal.comparing import is_corruption, stream
from services.ledger.journal.report import Fault
from services.ledger.tables import balances, entries, metadata

NO_CHECKSUMS = (
    "the server keeps no checksums of its pages (data_checksums is off), so that damage on its disk is found "
    "in what is verified here alone"
)
NO_AMCHECK = "; of the ledger's indexes not even here, without the extension amcheck"
_MAY_AMCHECK = """
    SELECT coalesce(has_function_privilege(f, 'EXECUTE'), false)
    FROM to_regprocedure('bt_index_check(regclass, boolean)') f
"""
_INDEXES = """
    SELECT CAST(i.indrelid AS regclass), i.indexrelid FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE a.amname = 'btree' AND i.indisvalid AND i.indrelid = ANY(
        SELECT oid FROM pg_class WHERE relname = ANY(:tables) AND relnamespace = to_regnamespace('public')
    )
    ORDER BY 1, 2
"""


def check_indexes(connection: Connection) -> None:
    """Raises Fault. On PostgreSQL nothing is checked where `amcheck` is not there or not permitted."""
    if connection.dialect.name == "sqlite":
        for table in metadata.sorted_tables:
            # `entries` is nothing but an index.
            if table not in (entries, balances):
                _check_integrity(connection, table.name)
        _check_index_of_buckets(connection)
    elif _may_amcheck(connection):
        for table, index in connection.execute(text(_INDEXES), {"tables": list(metadata.tables)}).all():
            _run(connection, f"SELECT bt_index_check({index}, true)", table)


def warnings(connection: Connection) -> list[str]:
    """What this engine, set up as it is, would not notice of damage on its disk."""
    if connection.dialect.name == "sqlite" or _checksums(connection):
        return []
    return [NO_CHECKSUMS + ("" if _may_amcheck(connection) else NO_AMCHECK)]


def _checksums(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql("SHOW data_checksums").scalar_one() == "on")


def _may_amcheck(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql(_MAY_AMCHECK).scalar_one())


def _check_integrity(connection: Connection, table: str) -> None:
    found = _run(connection, f"PRAGMA integrity_check('{table}')", table)
    if found != "ok":
        raise Fault(f"the table of {table} is damaged: {found}")


def _run(connection: Connection, statement: str, table: str) -> Any:
    try:
        return connection.exec_driver_sql(statement).scalar()
    except DBAPIError as error:
        if not is_corruption(error):
            raise
        raise Fault(f"the table of {table} is damaged: {error.orig}") from error


def _check_index_of_buckets(connection: Connection) -> None:
    """SQLite 3.40 takes the columns of `balances` for one another (its key is not its first columns) and says
    that a total must not be NULL, so that its own check is of no use there.
    """
    found = "SELECT bucket, account FROM balances INDEXED BY balances_bucket WHERE bucket <> ''"
    there = "SELECT bucket, account FROM balances NOT INDEXED WHERE bucket <> ''"
    for one, other in ((found, there), (there, found)):
        query: Any = text(f"SELECT account FROM ({one} EXCEPT {other}) LIMIT 1")
        for (account,) in stream(connection, query, "balances"):
            raise Fault(f"the index of balances is damaged where account number {account} stands")
