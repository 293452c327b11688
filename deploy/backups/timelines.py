"""New timelines for a ledger whose database is in its place already."""

from contextlib import ExitStack

from sqlalchemy import Connection

from deploy.backups import postgres
from deploy.databases import require_database
from deploy.datafolder import DataFolder
from services.ledger.journal import timelines
from shared.config import Config
from shared.contracts.journal import Position

PRINCIPAL = "restore"
"""Who begins a timeline, as its record says."""


def begin(config: Config) -> dict[int, Position]:
    """Let every partition of the installation's ledger go on in a new timeline; where each does.

    Raises DataFolderBusy and CommandRefused where a server runs.
    """
    with ExitStack() as stack:
        if not (config.database_url or config.database_urls or config.distributed):
            stack.enter_context(DataFolder(config.data))
        database = require_database(config, "ledger")
        stack.callback(database.close)
        connection = stack.enter_context(database.write())
        if not database.is_sqlite:
            postgres.check_unused(connection, "ledger")
        return begin_all(connection)


def begin_all(ledger: Connection) -> dict[int, Position]:
    """The same within a transaction."""
    return {
        partition: timelines.begin(ledger, partition, PRINCIPAL) for partition in timelines.positions(ledger)
    }
