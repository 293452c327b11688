"""Migrations: Alembic, one line of versions per service, run by the same code on both engines.

A service's `migrations/env.py` is one call of `run(metadata)`; its versions must work with the code that
runs now (expand, then contract).
"""

from functools import cache
from pathlib import Path

from alembic import command, context
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text

from shared.db.engine import Database

LOCK_TIMEOUT = "5s"
ROOT = Path(__file__).resolve().parents[2]


def upgrade(service_folder: str, database: Database, revision: str = "head") -> None:
    """Bring the database to a revision; `service_folder` is relative to the project, e.g.
    "services/ledger".
    """
    command.upgrade(_config(service_folder, database), revision)


def downgrade(service_folder: str, database: Database, revision: str) -> None:
    """Take the database back to a revision, "base" for nothing."""
    command.downgrade(_config(service_folder, database), revision)


def is_current(service_folder: str, database: Database) -> bool:
    """Whether every migration of the service has been applied."""
    with database.read() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == _heads(service_folder)


def run(metadata: MetaData) -> None:
    """What `migrations/env.py` calls."""
    database: Database = context.config.attributes["database"]
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=database.is_sqlite)
        context.run_migrations()


@cache
def _heads(service_folder: str) -> frozenset[str]:
    """The newest versions; they are read once, since health checks ask again and again."""
    return frozenset(ScriptDirectory.from_config(_scripts(service_folder)).get_heads())


def _config(service_folder: str, database: Database) -> AlembicConfig:
    config = _scripts(service_folder)
    config.attributes["database"] = database
    return config


def _scripts(service_folder: str) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(ROOT / service_folder / "migrations"))
    return config
