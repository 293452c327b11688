"""The services of the platform, and where each is found.

Every service has the same files at its root, so one line here is all that running another one takes. Nothing
of theirs is imported here: `medtown serve` only needs their names before another program takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.config import Config
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

    def table(self) -> "Service":
        """What it answers and listens to: `service.py`."""
        table: Service = import_module(f"{self.package}.service").SERVICE
        return table

    def build(self, config: "Config", client: "Client") -> Any:
        """What it works with: `resources.py`."""
        return import_module(f"{self.package}.resources").build(config, client)

    def jobs(self, resources: Any, publisher: "Publisher") -> "list[Job]":
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
