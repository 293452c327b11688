"""The services' databases brought up to date, and whether they are."""

from pathlib import Path

from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared.config import Config
from shared.db import migrations
from shared.db.engine import Database


def migrate(config: Config, service: str) -> None:
    """Bring one service's database to the newest version."""
    database = Database(config.database_for(service))
    try:
        if not is_migrated(service, database):
            migrations.upgrade(SERVICES[service].folder, database)
    finally:
        database.close()


def migrate_all(config: Config) -> None:
    """Bring the databases of all services to the newest version."""
    for service in SERVICES:
        migrate(config, service)


def is_migrated(service: str, database: Database) -> bool:
    """Whether a service's database is at the newest version."""
    return migrations.is_current(SERVICES[service].folder, database)


def require_database(config: Config, service: str) -> Database:
    """A service's database, which must exist and be up to date. Raises CommandRefused where it is not."""
    url = config.database_for(service)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise CommandRefused(f"there is no {service} database in {config.data}: start `medtown up` first")
    database = Database(url)
    if not is_migrated(service, database):
        database.close()
        raise CommandRefused(f"the {service} database is not at this version: run `medtown migrate` first")
    return database
