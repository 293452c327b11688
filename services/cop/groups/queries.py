"""What is answered about groups: those that the caller may see, and who is in them."""

from typing import Any

from sqlalchemy import select, tuple_

from services.cop.groups.access import Access, access_group, access_leading, access_reading, visible_to
from services.cop.groups.rules import Membership, Role, Status
from services.cop.groups.tables import groups, memberships
from services.cop.groups.views import group_view, group_views, membership_view
from services.cop.resources import Resources
from shared import cursors
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
    if given["text"].strip():
        text = given["text"].strip().casefold()
        query = query.where(groups.c.search_text.contains(text, autoescape=True))
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
    order = (memberships.c.since, memberships.c.person)
    query = (
        select(memberships)
        .where(memberships.c.group == given["group"], memberships.c.status == given["status"])
        .order_by(*order)
        .limit(given["limit"] + 1)
    )
    place = cursors.decode(given["cursor"], int, str)
    if place is not None:
        query = query.where(tuple_(*order) > place)
    with cop.database.read() as connection:
        access_reading(connection, given["group"], request.principal)
        if given["status"] != Status.ACTIVE:
            access_leading(connection, given["group"], request.principal, changing=False)
        shown, rest = cursors.page(list(connection.execute(query)), given["limit"], "since", "person")
        return {"data": [membership_view(row) for row in shown], **rest}
