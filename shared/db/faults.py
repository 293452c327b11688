"""Which errors say that the database is away or busy for now, and not that we made a mistake.

SQLAlchemy is looked for among what is loaded: a process without a database, such as the gateway's, has none.
"""

import sqlite3
import sys
from typing import Any

SQLITE_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }
)
"""What comes of the disk and of others who write; SQLite calls a missing table an OperationalError too."""


def is_away(error: BaseException) -> bool:
    """Whether a transaction ended because its database could not be reached or used: it was shut down, killed
    or cut off, had no connection left in time, or its disk was full.
    """
    sqlalchemy: Any = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is None:
        return False
    if isinstance(error, sqlalchemy.TimeoutError):
        return True
    if not isinstance(error, sqlalchemy.DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in SQLITE_PASSING
    if error.connection_invalidated or isinstance(error, sqlalchemy.OperationalError):
        return True
    # What libpq says of a connection that broke has no code of the server's.
    return type(error) is sqlalchemy.DatabaseError and getattr(error.orig, "sqlstate", None) is None


def is_uncertain(error: BaseException) -> bool:
    """Whether an error leaves open if its transaction was carried out: see `CommitUncertain`."""
    engine: Any = sys.modules.get("shared.db.engine")
    return engine is not None and isinstance(error, engine.CommitUncertain)
