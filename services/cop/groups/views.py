"""How groups and memberships are shown."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from services.cop.groups.access import Access
from services.cop.groups.rules import Status, is_readable
from services.cop.groups.tables import memberships
from shared.contracts import clock


def group_view(connection: Connection, access: Access) -> dict[str, Any]:
    """`GroupView` of the contract."""
    [view] = group_views(connection, [access])
    return view


def group_views(connection: Connection, accesses: Sequence[Access]) -> list[dict[str, Any]]:
    """`GroupView` of each group; their members are counted, and the caller's own places read, together."""
    wanted = [access.group.id for access in accesses]
    members = (
        select(memberships.c.group, func.count().label("members"))
        .where(memberships.c.group.in_(wanted), memberships.c.status == Status.ACTIVE)
        .group_by(memberships.c.group)
    )
    counted = {row.group: row.members for row in connection.execute(members)}
    caller = accesses[0].caller.subject if accesses else ""
    own = {
        row.group: row
        for row in connection.execute(
            select(memberships).where(memberships.c.group.in_(wanted), memberships.c.person == caller)
        )
    }
    return [_view(each, counted.get(each.group.id, 0), own.get(each.group.id)) for each in accesses]


def membership_view(row: Any) -> dict[str, Any]:
    """`MembershipView` of the contract."""
    return {
        "person": row.person,
        "role": row.role,
        "status": row.status,
        "since": clock.to_text(row.since),
    }


def moment(us: int | None) -> str | None:
    """A time that may not have come."""
    return None if us is None else clock.to_text(us)


def _view(access: Access, member_count: int, own: Any) -> dict[str, Any]:
    row = access.group
    return {
        "id": row.id,
        "version": row.version,
        "kind": row.kind,
        "name": row.name,
        "description": row.description,
        "territory": row.territory,
        "visibility": row.visibility,
        "join_policy": row.join_policy,
        "language": row.language,
        "member_count": member_count,
        "membership": membership_view(own) if own is not None else None,
        "may": _may(access),
        "created_at": clock.to_text(row.created_at),
        "closed_at": moment(row.closed_at),
    }


def _may(access: Access) -> list[str]:
    """What the caller may do here now: join (or ask to), leave, read, write, lead."""
    own, found = access.membership, []
    if not access.closed and own is None and access.group.join_policy != "invitation":
        found.append("join")
    if not access.closed and own is not None and own.status is Status.INVITED:
        found.append("join")
    if own is not None:
        found.append("leave")
    if is_readable(access.group.visibility, own):
        found.append("read")
    if access.writes:
        found.append("write")
    if access.leads:
        found.append("lead")
    return found
