"""What the toolbox works with: its database, the store of files, and its key for grants."""

from dataclasses import dataclass

from shared.auth.grants import Granter
from shared.auth.keys import load_granter, private_key_file
from shared.blobs.disk import DiskBlobs
from shared.blobs.store import BlobStore
from shared.config import Config
from shared.db.engine import Database
from shared.messaging.client import Client


@dataclass(frozen=True, slots=True)
class Resources:
    database: Database
    blobs: BlobStore
    granter: Granter

    def close(self) -> None:
        self.database.close()


def build(config: Config, _client: Client) -> Resources:
    """Resources as configured; the key is the issuer "toolbox"'s."""
    return Resources(
        database=Database(config.database_for("toolbox")),
        blobs=DiskBlobs(config.blobs),
        granter=load_granter(private_key_file(config.keys, "toolbox"), "toolbox"),
    )
