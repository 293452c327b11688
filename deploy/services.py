"""The services of the platform: their folders, and their databases brought up to date."""

from pathlib import Path

from deploy.refusals import CommandRefused
from shared.config import Config
from shared.db import migrations
from shared.db.engine import Database

SERVICES = {
    "ledger": "services/ledger",
    "identity": "services/cop/identity",
    "dashboard": "services/dashboard",
}
"""Services that own a database, and the folder that holds their migrations."""


def migrate(config: Config, service: str) -> None:
    """Bring one service's database to the newest version."""
    database = Database(config.database_for(service))
    try:
        if not migrations.is_current(SERVICES[service], database):
            migrations.upgrade(SERVICES[service], database)
    finally:
        database.close()


def migrate_all(config: Config) -> None:
    """Bring the databases of all services to the newest version."""
    for service in SERVICES:
        migrate(config, service)


def require_database(config: Config, service: str) -> Database:
    """A service's database, which must exist and be up to date. Raises CommandRefused where it is not."""
    url = config.database_for(service)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise CommandRefused(f"there is no {service} database in {config.data}: start `medtown up` first")
    database = Database(url)
    if not migrations.is_current(SERVICES[service], database):
        database.close()
        raise CommandRefused(f"the {service} database is not at this version: run `medtown migrate` first")
    return database
