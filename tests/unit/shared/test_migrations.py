"""Whether a database is current is asked without Alembic, and answered as Alembic would."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from deploy.services import SERVICES
from shared.db import migrations
from shared.db.engine import Database


@pytest.mark.parametrize("service", SERVICES)
def test_the_newest_version_is_the_one_that_alembic_finds(service: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.ROOT / SERVICES[service].folder / "migrations"))
    found = migrations.heads(SERVICES[service].folder)
    assert found == set(ScriptDirectory.from_config(config).get_heads())
    assert len(found) == 1


def test_a_database_is_current_once_every_migration_is_applied(tmp_path: Path) -> None:
    folder = SERVICES["cop"].folder
    database = Database(f"sqlite:///{tmp_path / 'cop.sqlite3'}")
    try:
        assert not migrations.is_current(folder, database)
        migrations.upgrade(folder, database, "0001")
        assert not migrations.is_current(folder, database)
        migrations.upgrade(folder, database)
        assert migrations.is_current(folder, database)
        with database.read() as connection:
            assert set(MigrationContext.configure(connection).get_current_heads()) == migrations.heads(folder)
        migrations.downgrade(folder, database, "base")
        assert not migrations.is_current(folder, database)
    finally:
        database.close()


def test_what_migrates_nothing_loads_no_alembic() -> None:
    program = "import sys, deploy.embedded, deploy.databases; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
