"""Databases: PostgreSQL in production, SQLite files when embedded, behind the same two verbs.

SQLite runs in WAL mode with `synchronous=FULL`, so that what is acknowledged survives a power cut, and
begins every writing transaction with `BEGIN IMMEDIATE`: it waits for its turn at the start instead of
failing in the middle.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from shared.db.faults import is_away

BUSY_TIMEOUT_SECONDS = 15
PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"),
    # Without it, a row that REPLACE takes away does not ask the triggers that forbid to delete.
    "recursive_triggers=ON",
)
POOL_SIZE = 10
POOL_TIMEOUT_SECONDS = 10


class CommitUncertain(OperationalError):
    """The connection broke while a transaction was committed: it may have been carried out, or not."""


class Database:
    """One service's database. `read` and `write` each give a connection inside one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _open(url)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of the data; nothing that is changed in it is kept."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                # PostgreSQL's default gives each statement a view of its own; SQLite's transactions have one.
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
            connection.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits when the block ends, and rolls back when it raises.

        Raises CommitUncertain where PostgreSQL was cut off while it committed.
        """
        ended = False
        try:
            with self.engine.connect().execution_options(medtown_write=True) as connection:
                with connection.begin():
                    yield connection
                    ended = True
        except DBAPIError as error:
            if ended and not self.is_sqlite and is_away(error):
                cause = error.orig or error
                raise CommitUncertain(error.statement, None, cause, hide_parameters=True) from error
            raise

    def close(self) -> None:
        self.engine.dispose()


def _open(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            pool_pre_ping=True,
            connect_args={"options": "-c timezone=UTC", "connect_timeout": 5},
            hide_parameters=True,
        )
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        # Errors are logged, and what stands in a row is nobody's business.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling begins too late; ours is in `_begin_sqlite`.
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("medtown_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
