"""What the ledger works with: a database for its queries and jobs, and the writer of a partition."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.auth.keys import TRUSTED_FILE, load_trusted
from shared.auth.tokens import Verifier
from shared.config import Config
from shared.contracts.ledger import AUDIENCE
from shared.db.engine import Database
from shared.messaging.client import Client

if TYPE_CHECKING:
    from services.ledger.writer.writer import Writer


@dataclass(frozen=True, slots=True)
class Resources:
    database: Database
    partition: int = 0

    def close(self) -> None:
        self.database.close()


def build(config: Config, _client: Client) -> Resources:
    """Resources of queries and jobs, as configured."""
    return Resources(Database(config.database_for("ledger")), config.partition)


def build_writer(config: Config, partition: int) -> "Writer":
    """The writer of a partition, not yet started."""
    from services.ledger.writer.writer import Writer

    verifier = Verifier(AUDIENCE, load_trusted(config.keys / TRUSTED_FILE))
    return Writer(config.database_for("ledger"), partition, verifier)
