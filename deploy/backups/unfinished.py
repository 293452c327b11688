"""The mark of a database of PostgreSQL that a restore has not finished with: a row beside the number of its
migration, which every start and every migration reads anyway (`shared/db/migrations.py`).

Databases cannot be committed together. So each is marked before any is changed, every one that is written
stays marked, and the marks go once all is in its place.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, inspect, text

from shared.db.engine import Database
from shared.db.migrations import UNFINISHED, VERSION_TABLE

_MAKE = (
    f"CREATE TABLE {VERSION_TABLE} "
    f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
)
_ADD = f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (:mark) ON CONFLICT DO NOTHING"
_TAKE = f"DELETE FROM {VERSION_TABLE} WHERE version_num = :mark"


def mark_all(databases: Mapping[str, Database]) -> dict[str, Database]:
    """Mark each for good; returns those that were not marked before."""
    marked = {}
    try:
        for name, database in databases.items():
            with database.write() as connection:
                if mark(connection):
                    marked[name] = database
    except BaseException:
        unmark_all(marked)
        raise
    return marked


def unmark_all(databases: Mapping[str, Database]) -> None:
    """Take the marks away, and the table where it was made for nothing else."""
    for database in databases.values():
        with database.write() as connection:
            connection.execute(text(_TAKE), {"mark": UNFINISHED})
            if connection.execute(text(f"SELECT count(*) FROM {VERSION_TABLE}")).scalar_one() == 0:
                connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))


def mark(connection: Connection) -> bool:
    """Mark a database within a transaction; False where it is marked already."""
    if not inspect(connection).has_table(VERSION_TABLE):
        connection.execute(text(_MAKE))
    return connection.execute(text(_ADD), {"mark": UNFINISHED}).rowcount == 1
