"""What the dashboard works with: its database, a client for the ledger, tokens of its own."""

import threading
from dataclasses import dataclass, field

from services.dashboard.circulation.child import Child
from shared.auth.keys import load_signer, private_key_file
from shared.auth.principal import JOURNAL_READER
from shared.auth.tokens import ServiceTokens
from shared.config import Config
from shared.db.engine import Database
from shared.messaging.client import Client

ISSUER = "dashboard"


@dataclass(frozen=True, slots=True)
class Resources:
    """`projecting` is held by whoever moves the projection on, so that one process does not pull the same
    twice. `child` works out the figures of closed periods, where this process runs the jobs.
    """

    database: Database
    client: Client
    tokens: ServiceTokens
    partitions: tuple[int, ...] = (0,)
    projecting: threading.Lock = field(default_factory=threading.Lock)
    child: Child = field(default_factory=Child)

    def close(self) -> None:
        """End the child and close the database; the client belongs to whoever made it."""
        self.child.close()
        self.database.close()


def build(config: Config, client: Client) -> Resources:
    """Resources as configured; the key is the issuer "dashboard"'s."""
    signer = load_signer(private_key_file(config.keys, ISSUER), ISSUER)
    return Resources(
        database=Database(config.database_for("dashboard")),
        client=client,
        tokens=ServiceTokens(signer, frozenset({JOURNAL_READER})),
        partitions=(config.partition,),
    )
