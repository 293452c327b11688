"""Migrations: Alembic, one line of versions per service, run by the same code on both engines.

A service's `migrations/env.py` is one call of `run(metadata)`; its versions must work with the code that
runs now (expand, then contract).

Alembic is loaded by whoever migrates. To ask whether a database is current, as every process does when it
starts and when its health is asked for, takes none of it.
"""

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, inspect, text

from shared.db.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

LOCK_TIMEOUT = "5s"
ROOT = Path(__file__).resolve().parents[2]
VERSION_TABLE = "alembic_version"
UNFINISHED = "restore.unfinished"
"""Stands beside the version while a restore has not finished with a database
(`deploy/backups/unfinished.py`).
"""


def upgrade(service_folder: str, database: Database, revision: str = "head") -> None:
    """Bring the database to a revision; `service_folder` is relative to the project, e.g.
    "services/ledger".
    """
    from alembic import command

    command.upgrade(_config(service_folder, database), revision)


def downgrade(service_folder: str, database: Database, revision: str) -> None:
    """Take the database back to a revision, "base" for nothing."""
    from alembic import command

    command.downgrade(_config(service_folder, database), revision)


def is_current(service_folder: str, database: Database) -> bool:
    """Whether every migration of the service has been applied, and nothing is in the middle of a restore."""
    return _applied(database) == heads(service_folder)


def is_unfinished(database: Database) -> bool:
    """Whether a restore has not finished with the database."""
    return UNFINISHED in _applied(database)


def _applied(database: Database) -> set[str]:
    with database.read() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return set()
        return set(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())


def run(metadata: MetaData) -> None:
    """What `migrations/env.py` calls."""
    from alembic import context

    database: Database = context.config.attributes["database"]
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=database.is_sqlite)
        context.run_migrations()


@cache
def heads(service_folder: str) -> frozenset[str]:
    """The newest versions of a service, as its files say; they are read once, since health checks ask again
    and again.
    """
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in (ROOT / service_folder / "migrations" / "versions").glob("*.py"):
        said = _constants(file)
        revisions.add(said["revision"])
        followed |= {said["down_revision"]} - {None}
    return frozenset(revisions - followed)


def _constants(file: Path) -> dict[str, Any]:
    """The names at the root of a module that are given a plain value."""
    return {
        target.id: statement.value.value
        for statement in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def _config(service_folder: str, database: Database) -> "AlembicConfig":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(ROOT / service_folder / "migrations"))
    config.attributes["database"] = database
    return config
