"""The services of the platform: where each is found, and their databases brought up to date.

Every service has the same files at its root, so one line here is all that running another one takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy.refusals import CommandRefused
from shared.config import Config
from shared.db import migrations
from shared.db.engine import Database
from shared.jobs import Job
from shared.messaging.client import Client
from shared.messaging.publisher import Publisher
from shared.messaging.service import Service


@dataclass(frozen=True, slots=True)
class Owner:
    """A service that owns a database. Its modules are imported when asked for: a process loads only what it
    runs.
    """

    name: str
    package: str

    @property
    def folder(self) -> str:
        """Where its migrations lie, relative to the project."""
        return self.package.replace(".", "/")

    def table(self) -> Service:
        """What it answers and listens to: `service.py`."""
        table: Service = import_module(f"{self.package}.service").SERVICE
        return table

    def build(self, config: Config, client: Client) -> Any:
        """What it works with: `resources.py`."""
        return import_module(f"{self.package}.resources").build(config, client)

    def jobs(self, resources: Any, publisher: Publisher) -> list[Job]:
        """Its periodic work: `jobs.py`."""
        jobs: list[Job] = import_module(f"{self.package}.jobs").jobs(resources, publisher)
        return jobs


SERVICES: Mapping[str, Owner] = {
    owner.name: owner
    for owner in (
        Owner("ledger", "services.ledger"),
        Owner("identity", "services.cop.identity"),
        Owner("cop", "services.cop"),
        Owner("dashboard", "services.dashboard"),
        Owner("toolbox", "services.toolbox"),
    )
}


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
