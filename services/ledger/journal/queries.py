"""What the ledger answers about its journal: events for partners, and the feed by which consumers heal."""

from typing import Any

import msgspec
from sqlalchemy import Connection

from services.ledger.journal.feed import events_after
from services.ledger.journal.reader import hash_at
from services.ledger.resources import Resources
from shared.auth.principal import ADMINISTRATOR, JOURNAL_READER, OPERATOR
from shared.contracts.errors import Refusal
from shared.messaging.service import Request

READERS = (JOURNAL_READER, OPERATOR, ADMINISTRATOR)


def list_events(ledger: Resources, request: Request) -> dict[str, Any]:
    """Records after a sequence number as CloudEvents, and up to where the answer goes."""
    request.principal.require("read the journal", *READERS)
    asked = request.arguments
    with ledger.database.read() as connection:
        found = events_after(connection, asked["partition"], asked["after"], asked["limit"])
    return {
        "data": [msgspec.Raw(event.json) for event in found],
        "up_to": found[-1].sequence if found else asked["after"],
        "has_more": len(found) == asked["limit"],
    }


def journal_since(ledger: Resources, request: Request) -> dict[str, Any]:
    """Records after a position. Refused as `diverged` where the journal has no record like the position's."""
    request.principal.require("read the journal", *READERS)
    asked = request.arguments
    with ledger.database.read() as connection:
        _check_position(connection, asked)
        found = events_after(connection, asked["partition"], asked["sequence"], asked["limit"])
    return {
        "records": [msgspec.Raw(event.json) for event in found],
        "up_to": found[-1].sequence if found else asked["sequence"],
    }


def _check_position(connection: Connection, asked: Any) -> None:
    """The hash alone decides: it covers the timeline in which the record was written."""
    here = hash_at(connection, asked["partition"], asked["sequence"])
    if here is None or here.hex() != asked["hash"]:
        raise Refusal("diverged")
