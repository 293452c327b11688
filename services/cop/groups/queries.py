"""What is answered about groups: those that the caller may see, and who is in them."""

from typing import Any

from sqlalchemy import Connection, select, tuple_

from services.cop.groups.access import Access, access_group, access_leading, access_reading, visible_to
from services.cop.groups.rules import Membership, Role, Status
from services.cop.groups.tables import groups, memberships
from services.cop.groups.views import group_view, group_views, membership_view
from services.cop.resources import Resources
from shared import cursors
from shared.folding import folded
from shared.messaging.service import Request


def get_group(cop: Resources, request: Request) -> dict[str, Any]:
    """One group."""
    with cop.database.read() as connection:
        return group_view(connection, access_group(connection, request.arguments["group"], request.principal))


def list_groups(cop: Resources, request: Request) -> dict[str, Any]:
    """The groups that the caller may see, by name."""
    given, caller = request.arguments, request.principal
    own = memberships.alias("own")
    query = (
        select(groups, own.c.role, own.c.status)
        .join(own, (own.c.group == groups.c.id) & (own.c.person == caller.subject), isouter=True)
        .where(visible_to(caller))
        .order_by(groups.c.search_name, groups.c.id)
        .limit(given["limit"] + 1)
    )
    if given["kind"]:
        query = query.where(groups.c.kind == given["kind"])
    for word in folded(given["text"]).split():
        query = query.where(groups.c.search_text.contains(word, autoescape=True))
    if given["mine"]:
        query = query.where(own.c.person.is_not(None))
    place = cursors.decode(given["cursor"], str, str)
    if place is not None:
        query = query.where(tuple_(groups.c.search_name, groups.c.id) > place)
    with cop.database.read() as connection:
        rows = list(connection.execute(query))
        shown, rest = cursors.page(rows, given["limit"], "search_name", "id")
        accesses = [
            Access(row, Membership(Role(row.role), Status(row.status)) if row.role else None, caller)
            for row in shown
        ]
        return {"data": group_views(connection, accesses), **rest}


def list_members(cop: Resources, request: Request) -> dict[str, Any]:
    """Who is in a group, since when; who has asked and who is invited, to its stewards alone."""
    given = request.arguments
    with cop.database.read() as connection:
        access_reading(connection, given["group"], request.principal)
        if given["status"] != Status.ACTIVE:
            access_leading(connection, given["group"], request.principal, changing=False)
        return members_of(connection, given["group"], given["status"], given["limit"], given["cursor"])


def lead_group(cop: Resources, request: Request) -> dict[str, Any]:
    """All that a steward leads by: the group, who has asked, who is invited, and who is in it."""
    given = request.arguments
    with cop.database.read() as connection:
        access_reading(connection, given["group"], request.principal)
        access = access_leading(connection, given["group"], request.principal, changing=False)
        return {
            "group": group_view(connection, access),
            **{
                status.value: members_of(connection, given["group"], status, given["members"])["data"]
                for status in Status
            },
        }


def members_of(
    connection: Connection, group: str, status: str, limit: int, cursor: str | None = None
) -> dict[str, Any]:
    """A page of a group's members of a status, the longest-standing first."""
    order = (memberships.c.since, memberships.c.person)
    query = (
        select(memberships)
        .where(memberships.c.group == group, memberships.c.status == status)
        .order_by(*order)
        .limit(limit + 1)
    )
    place = cursors.decode(cursor, int, str)
    if place is not None:
        query = query.where(tuple_(*order) > place)
    shown, rest = cursors.page(list(connection.execute(query)), limit, "since", "person")
    return {"data": [membership_view(row) for row in shown], **rest}
