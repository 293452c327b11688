"""What the community of practice works with: its database."""

from dataclasses import dataclass

from shared.config import Config
from shared.db.engine import Database
from shared.messaging.client import Client


@dataclass(frozen=True, slots=True)
class Resources:
    database: Database

    def close(self) -> None:
        self.database.close()


def build(config: Config, _client: Client) -> Resources:
    """Resources as configured."""
    return Resources(Database(config.database_for("cop")))
