"""What the ledger works with: a database for its queries and jobs, and the writer of a partition."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.auth.keys import TRUSTED_FILE, load_signer, load_trusted, private_key_file
from shared.auth.principal import TIMEKEEPER
from shared.auth.tokens import ServiceTokens, Verifier
from shared.config import Config
from shared.contracts.ledger import AUDIENCE
from shared.db.engine import Database
from shared.messaging.client import Client

if TYPE_CHECKING:
    from services.ledger.writer.writer import Writer


ISSUER = "ledger"


@dataclass(frozen=True, slots=True)
class Resources:
    """`client` and `tokens` are the jobs', to tell the writer what time has made due: the key is read when it
    is asked for, since queries have none.
    """

    database: Database
    partition: int = 0
    client: Client | None = None
    tokens: Callable[[], ServiceTokens] | None = None

    def close(self) -> None:
        """Close the database; the client belongs to whoever made it."""
        self.database.close()


def build(config: Config, client: Client) -> Resources:
    """Resources of queries and jobs, as configured; the jobs' key is the issuer "ledger"'s."""

    def tokens() -> ServiceTokens:
        signer = load_signer(private_key_file(config.keys, ISSUER), ISSUER)
        return ServiceTokens(signer, frozenset({TIMEKEEPER}))

    return Resources(Database(config.database_for("ledger")), config.partition, client, tokens)


def build_writer(config: Config, partition: int) -> "Writer":
    """The writer of a partition, not yet started."""
    from services.ledger.writer.writer import Writer

    verifier = Verifier(AUDIENCE, load_trusted(config.keys / TRUSTED_FILE))
    return Writer(config.database_for("ledger"), partition, verifier)
