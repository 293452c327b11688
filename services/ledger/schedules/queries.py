"""Payments to come."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from services.ledger.access import access_account, seen_of
from services.ledger.journal.reader import records_of
from services.ledger.kernel.state import Thing
from services.ledger.reading import list_things, load_things, minor_units_in
from services.ledger.resources import Resources
from services.ledger.schedules.views import schedule_view
from services.ledger.tables import things
from shared import cursors
from shared.contracts.errors import Refusal
from shared.messaging.service import Request


def get_schedule(ledger: Resources, request: Request) -> dict[str, Any]:
    """One schedule, for those who may see the account that it pays from."""
    id = request.arguments["id"]
    with ledger.database.read() as connection:
        thing = load_things(connection, [("schedule", id)]).get(("schedule", id))
        if thing is None or not seen_of(request.principal, connection, [thing.body["payer"]]):
            raise Refusal("not-found")
        return _views(connection, [(id, thing)])[0]


def list_schedules(ledger: Resources, request: Request) -> dict[str, Any]:
    """The schedules that pay from an account, newest first, those that have ended too."""
    asked = request.arguments
    before = cursors.decode(asked["cursor"], str)
    with ledger.database.read() as connection:
        account = access_account(connection, request.principal, asked["account"])
        found = list_things(
            connection,
            "schedule",
            things.c.owner == account.id,
            before=before[0] if before else None,
            limit=asked["limit"] + 1,
        )
        page, more = found[: asked["limit"]], len(found) > asked["limit"]
        views = _views(connection, page)
    return {"data": views, "next_cursor": cursors.encode(page[-1][0]) if more else None, "has_more": more}


def _views(connection: Connection, page: Sequence[tuple[str, Thing]]) -> list[dict[str, Any]]:
    notes = {id: record.note for id, record in records_of(connection, [id for id, _ in page]).items()}
    minor_units = minor_units_in(connection, {thing.body["currency"] for _, thing in page})
    return [
        schedule_view(id, thing, note.memo if (note := notes[id]) else "", minor_units) for id, thing in page
    ]
