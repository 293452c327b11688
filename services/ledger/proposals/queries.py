"""What waits, or has waited, for a second person."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select
from sqlalchemy.sql.elements import ColumnElement

from services.ledger.access import seen_of
from services.ledger.journal.reader import records_of
from services.ledger.kernel.access import SEEING_ALL
from services.ledger.kernel.state import Thing
from services.ledger.proposals.views import proposal_view
from services.ledger.reading import list_things, load_things, minor_units_in
from services.ledger.resources import Resources
from services.ledger.tables import accounts, things
from shared import cursors
from shared.auth.principal import Principal
from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.service import Request

PAGE_BYTES = 2 * 1024 * 1024
"""How long a page of proposals is at most, beside its first one."""


def get_proposal(ledger: Resources, request: Request) -> dict[str, Any]:
    """One proposal: for operators, for who made it, and for who may see the account whose holder is asked."""
    id = request.arguments["id"]
    with ledger.database.read() as connection:
        thing = load_things(connection, [("proposal", id)]).get(("proposal", id))
        if thing is None or not _may_see(connection, request.principal, thing):
            raise Refusal("not-found")
        return _views(connection, [(id, thing)], clock.now_us())[0]


def list_proposals(ledger: Resources, request: Request) -> dict[str, Any]:
    """Proposals, newest first, all or those of a status: to operators all, to others those that they made or
    are asked about.
    """
    asked, now = request.arguments, clock.now_us()
    before = cursors.decode(asked["cursor"], str)
    with ledger.database.read() as connection:
        conditions = _of_status(asked["status"], now)
        if not request.principal.has(*SEEING_ALL):
            conditions.append(_of(connection, request.principal))
        found = list_things(
            connection,
            "proposal",
            *conditions,
            before=before[0] if before else None,
            limit=asked["limit"] + 1,
        )
        page = _fitting(found[: asked["limit"]])
        more = len(found) > len(page)
        views = _views(connection, page, now)
    return {"data": views, "next_cursor": cursors.encode(page[-1][0]) if more else None, "has_more": more}


def _fitting(found: Sequence[tuple[str, Thing]]) -> list[tuple[str, Thing]]:
    """The first ones that make a page: a charter can be as long as a book, and pages of them too long to be
    carried.
    """
    page, size = list(found[:1]), 0
    for id, thing in found[1:]:
        size += len(msgspec.json.encode(thing.body))
        if size > PAGE_BYTES:
            break
        page.append((id, thing))
    return page


def _views(connection: Connection, page: Sequence[tuple[str, Thing]], now: int) -> list[dict[str, Any]]:
    records = records_of(connection, [id for id, _ in page])
    codes = {thing.body["currency"] for _, thing in page if "currency" in thing.body}
    minor_units = minor_units_in(connection, codes)
    notes = {id: record.note for id, record in records.items()}
    return [
        proposal_view(id, thing, note.memo if (note := notes[id]) else "", minor_units, now)
        for id, thing in page
    ]


def _may_see(connection: Connection, principal: Principal, thing: Thing) -> bool:
    if principal.has(*SEEING_ALL) or thing.body["by"] == principal.subject:
        return True
    return thing.owner is not None and bool(seen_of(principal, connection, [thing.owner]))


def _of_status(status: str | None, now: int) -> list[ColumnElement[bool]]:
    """Proposals of a status: those that nobody decided in time have lapsed, whatever stands in their body."""
    if status is None:
        return []
    undecided = things.c.body.contains('"status":"pending"')
    if status == "pending":
        return [undecided, things.c.due_at > now]
    if status == "lapsed":
        return [or_(undecided & (things.c.due_at <= now), things.c.body.contains('"status":"lapsed"'))]
    return [things.c.body.contains(f'"status":"{status}"')]


def _of(connection: Connection, principal: Principal) -> ColumnElement[bool]:
    """Proposals that the principal made, or is asked to decide on as the holder of an account."""
    held = select(accounts.c.id).where(accounts.c.holder == principal.subject)
    made = things.c.body.contains(f'"by":"{principal.subject}"', autoescape=True)
    return or_(things.c.owner.in_(list(connection.execute(held).scalars())), made)
