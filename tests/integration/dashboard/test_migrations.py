"""Migrations make exactly the tables that the code works with, and can be taken back."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from services.dashboard.projection import tables
from services.dashboard.registrations.tables import inbox
from services.dashboard.schema import METADATA
from shared.db.engine import Database
from shared.db.migrations import downgrade, is_current, upgrade

FOLDER = "services/dashboard"


def test_up_and_down(database: Database) -> None:
    assert is_current(FOLDER, database)
    assert {tables.positions.name, inbox.name} <= set(METADATA.tables)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    downgrade(FOLDER, database, "base")
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    upgrade(FOLDER, database)
    assert is_current(FOLDER, database)
