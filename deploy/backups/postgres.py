"""The databases of separate processes: each read in a snapshot of its own, all of nearly the same moment, and
written back by COPY, in one transaction each.

COPY needs no program beside Python that has to be as new as the server, its rows can be checked without a
server (`scratch.py`), and the tables themselves are made by our migrations.
"""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, inspect, text

from deploy.backups import unfinished
from deploy.backups.archive import Archive, create
from deploy.backups.manifest import PIECE_BYTES, Contents, Rows
from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared.db import migrations
from shared.db.engine import Database
from shared.db.migrations import VERSION_TABLE

LOCK_TIMEOUT = "5s"

COLUMNS = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
SEQUENCES = """
    SELECT sequencename, last_value FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL ORDER BY sequencename
"""
FUNCTIONS = """
    SELECT CAST(p.oid AS regprocedure) FROM pg_proc p
    WHERE p.pronamespace = CAST('public' AS regnamespace)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
# Background work of the server has no user.
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
"""


@contextmanager
def at_one_moment(urls: Mapping[str, str]) -> Iterator[dict[str, Connection]]:
    """A connection to each database, in a snapshot taken in the given order, as fast as they can be taken."""
    with ExitStack() as stack:
        readers = {}
        for name, url in urls.items():
            database = Database(url)
            stack.callback(database.close)
            readers[name] = stack.enter_context(database.read())
            # A first connection takes its time: the snapshots begin once all are there.
            _driver(readers[name])
        for reader in readers.values():
            reader.execute(text("SELECT 1")).scalar()
        yield readers


def dump(reader: Connection, name: str, folder: Path) -> Contents:
    """Write the tables that a connection sees into a folder."""
    tables = {}
    for table in _tables(reader):
        columns = [
            (str(column), str(kind)) for column, kind in reader.execute(text(COLUMNS), {"name": table})
        ]
        file = f"databases/{name}/{table}.copy.gz"
        with create(folder / file) as raw, gzip.GzipFile("", "wb", 1, raw, 0) as packed:
            with _driver(reader).cursor() as cursor, cursor.copy(_copy("TO STDOUT", table, columns)) as rows:
                for piece in rows:
                    packed.write(piece)
        tables[table] = Rows(columns, file)
    sequences = {str(sequence): int(last) for sequence, last in reader.execute(text(SEQUENCES))}
    revision = reader.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return Contents(revision, tables=tables, sequences=sequences)


def is_empty(connection: Connection) -> bool:
    """Whether the database has no table."""
    return not inspect(connection).get_table_names()


def check_unused(connection: Connection, service: str) -> None:
    """Raises CommandRefused where anybody else is connected to the database."""
    others = connection.execute(text(OTHERS)).scalar_one()
    if others:
        raise CommandRefused(
            f"{others} connections use the {service} database: stop all processes before restoring"
        )


def replace(connection: Connection, service: str, contents: Contents, archive: Archive) -> None:
    """Make the database what it was, within the connection's transaction, and bring it to this version. It
    stays marked as unfinished.
    """
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    _empty(connection)
    folder, joined = SERVICES[service].folder, _Joined(connection)
    assert contents.revision is not None
    migrations.upgrade(folder, joined, contents.revision)
    for table, rows in contents.tables.items():
        with archive.open(rows.file) as packed, unpacked(packed) as lines:
            _load(connection, table, rows, lines)
    for sequence, last in contents.sequences.items():
        connection.execute(
            text("SELECT setval(CAST(:name AS regclass), :last)"), {"name": sequence, "last": last}
        )
    migrations.upgrade(folder, joined)
    unfinished.mark(connection)


@contextmanager
def unpacked(packed: IO[bytes]) -> Iterator[gzip.GzipFile]:
    """The rows of a table, from its file."""
    with gzip.GzipFile(fileobj=packed, mode="rb") as lines:
        yield lines


def _empty(connection: Connection) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    for table in inspect(connection).get_table_names():
        # Who starts in the meantime must be able to read the mark that stands there.
        emptied = "DELETE FROM {}" if table == VERSION_TABLE else "DROP TABLE {} CASCADE"
        connection.execute(text(emptied.format(quoted(table))))
    for function in connection.execute(text(FUNCTIONS)).scalars().all():
        connection.execute(text(f"DROP FUNCTION {function} CASCADE"))


def _load(connection: Connection, table: str, rows: Rows, lines: gzip.GzipFile) -> None:
    with (
        _driver(connection).cursor() as cursor,
        cursor.copy(_copy("FROM STDIN", table, rows.columns)) as copy,
    ):
        while piece := lines.read(PIECE_BYTES):
            copy.write(piece)


def _tables(reader: Connection) -> list[str]:
    """All tables but the version's, each after those that it refers to."""
    found = inspect(reader).get_sorted_table_and_fkc_names()
    return [name for name, _ in found if name is not None and name != VERSION_TABLE]


def _copy(direction: str, table: str, columns: list[tuple[str, str]]) -> sql.Composed:
    named = sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns)
    return sql.SQL("COPY {} ({}) " + direction).format(sql.Identifier(table), named)


def _driver(connection: Connection) -> "psycopg.Connection[Any]":
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


class _Joined(Database):
    """The database as migrations take it, within a transaction that is already there."""

    def __init__(self, connection: Connection) -> None:
        self.url = ""
        self.engine = connection.engine
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        yield self._connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        yield self._connection
