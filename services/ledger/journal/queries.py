"""What the ledger answers about its journal: events for partners, and the feed by which consumers heal."""

from typing import Any

from sqlalchemy import Connection

from services.ledger.journal.reader import hash_at, records_after
from services.ledger.resources import Resources
from shared.auth.principal import ADMINISTRATOR, JOURNAL_READER, OPERATOR
from shared.contracts.errors import Refusal
from shared.contracts.journal import to_cloud_event
from shared.messaging.service import Request

READERS = (JOURNAL_READER, OPERATOR, ADMINISTRATOR)


def list_events(ledger: Resources, request: Request) -> dict[str, Any]:
    """Records after a sequence number as CloudEvents, and up to where the answer goes."""
    request.principal.require("read the journal", *READERS)
    asked = request.arguments
    with ledger.database.read() as connection:
        found = records_after(connection, asked["partition"], asked["after"], asked["limit"])
    return {
        "data": [to_cloud_event(record.to_journal()) for record in found],
        "up_to": found[-1].sequence if found else asked["after"],
        "has_more": len(found) == asked["limit"],
    }


def journal_since(ledger: Resources, request: Request) -> dict[str, Any]:
    """Records after a position. Refused as `diverged` where the journal has no record like the position's."""
    request.principal.require("read the journal", *READERS)
    asked = request.arguments
    with ledger.database.read() as connection:
        _check_position(connection, asked)
        found = records_after(connection, asked["partition"], asked["sequence"], asked["limit"])
    return {
        "records": [to_cloud_event(record.to_journal()) for record in found],
        "up_to": found[-1].sequence if found else asked["sequence"],
    }


def _check_position(connection: Connection, asked: Any) -> None:
    """The hash alone decides: it covers the timeline in which the record was written."""
    here = hash_at(connection, asked["partition"], asked["sequence"])
    if here is None or here.hex() != asked["hash"]:
        raise Refusal("diverged")
