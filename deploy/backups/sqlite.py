"""The databases of an embedded installation, all copied as they were at one moment, while a server runs or
not.

For that moment all of them are locked against writing, which takes milliseconds; what is copied afterwards is
what each connection saw then.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine

from deploy.refusals import CommandRefused

LOCK_SECONDS = 2.0
"""How long one attempt waits for one lock: less than writers wait for theirs, so that who waits for us while
we wait for it goes on."""
ATTEMPTS = 10


@contextmanager
def at_one_moment(files: Mapping[str, Path]) -> Iterator[dict[str, Connection]]:
    """A connection to each database, all of which see what was there at the same moment."""
    for _ in range(ATTEMPTS):
        with ExitStack() as stack:
            readers = {name: stack.enter_context(_reader(path)) for name, path in files.items()}
            try:
                with _locked(files):
                    for reader in readers.values():
                        reader.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise CommandRefused(f"the databases cannot be read: {error}") from error
                continue
            yield readers
            return
    raise CommandRefused("the databases are being written without a pause; try again")


def copy(reader: Connection, target: Path) -> None:
    """Write what a connection of `at_one_moment` sees into a new file, which stands by itself."""
    driver = reader.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.touch(mode=0o600, exist_ok=False)
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copied:
            driver.backup(copied)
            # What is read from a folder that cannot be written to must need no file beside it.
            copied.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise OSError(errno.EIO, str(error), str(target)) from error
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _reader(path: Path) -> Iterator[Connection]:
    """A connection in a transaction that has not read anything yet."""
    engine = create_engine("sqlite://", creator=lambda: _open(path), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def _locked(files: Mapping[str, Path]) -> Iterator[None]:
    """Nobody writes in the block. Raises sqlite3.OperationalError where somebody does all the time."""
    with ExitStack() as stack:
        for path in files.values():
            connection = stack.enter_context(closing(_open(path)))
            connection.execute("BEGIN IMMEDIATE")
        yield


def _open(path: Path) -> sqlite3.Connection:
    # "rw": a database that is not there must not come to be.
    uri = f"{path.resolve().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)
