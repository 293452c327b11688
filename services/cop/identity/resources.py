"""What identity works with: its database and its signing key."""

from dataclasses import dataclass

from shared.auth.keys import load_signer, private_key_file
from shared.auth.tokens import Signer
from shared.config import Config
from shared.db.engine import Database
from shared.messaging.client import Client


@dataclass(frozen=True, slots=True)
class Resources:
    database: Database
    signer: Signer

    def close(self) -> None:
        self.database.close()


def build(config: Config, _client: Client) -> Resources:
    """Resources as configured; the key is the issuer "identity"'s."""
    return Resources(
        database=Database(config.database_for("identity")),
        signer=load_signer(private_key_file(config.keys, "identity"), "identity"),
    )
