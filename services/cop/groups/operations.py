"""What changes groups: creating, editing, closing, joining, leaving, leading. Each is one transaction, its
event in the outbox.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.cop import words
from services.cop.groups import rules
from services.cop.groups.access import Access, access_group, access_leading, membership_of
from services.cop.groups.rules import Membership, Role, Standing, Status
from services.cop.groups.tables import groups, memberships
from services.cop.groups.views import group_view
from services.cop.metrics import GROUPS_CREATED, MEMBERSHIPS
from services.cop.resources import Resources
from services.cop.schema import outbox
from shared.contracts import clock, ids
from shared.contracts.cop import NAME_LENGTHS
from shared.contracts.errors import Refusal
from shared.contracts.events import GROUP_CREATED, MEMBER_JOINED, MEMBER_LEFT, EventType, new_event
from shared.folding import folded
from shared.messaging.service import Request
from shared.outbox.table import record


def create_group(cop: Resources, request: Request) -> dict[str, Any]:
    """A new group, whose creator is its steward; the same request again answers the group as it is now."""
    given, creator = request.arguments, request.principal.subject
    rules.require_may_create(request.principal, given["kind"])
    group = given["id"] or ids.new_id()
    digest = words.digest({**given, "id": group})
    values = {
        "id": group,
        "version": 1,
        "kind": given["kind"],
        **_described(given),
        "creator": creator,
        "request": digest,
        "created_at": clock.now_us(),
    }
    try:
        with cop.database.write() as connection:
            known = connection.execute(select(groups).where(groups.c.id == group)).first()
            if known is not None:
                if (known.creator, known.request) != (creator, digest):
                    raise Refusal("id-reused", id=group)
                return _view(connection, group, request)
            connection.execute(insert(groups).values(values))
            record(connection, outbox, new_event(GROUP_CREATED, group, {"id": group, "version": 1}))
            _set(connection, group, creator, None, rules.FOUNDER, version=1)
            view = _view(connection, group, request)
    except IntegrityError as error:
        # The same id at the same moment: whoever sends it again is told what came of it.
        raise Refusal("id-reused", id=group) from error
    GROUPS_CREATED.labels(kind=given["kind"]).inc()
    return view


def edit_group(cop: Resources, request: Request) -> dict[str, Any]:
    """Change what a group says of itself, by its stewards."""
    given = request.arguments
    with cop.database.write() as connection:
        access = access_leading(connection, given["group"], request.principal)
        rules.require_open(access.closed)
        if given["version"] != access.group.version:
            raise Refusal("changed-meanwhile")
        _change(connection, access, _described(given))
        return _view(connection, given["group"], request)


def close_group(cop: Resources, request: Request) -> dict[str, Any]:
    """Close a group for good: it can be read as before, not changed. Closing it again changes nothing."""
    group = request.arguments["group"]
    with cop.database.write() as connection:
        access = access_leading(connection, group, request.principal)
        if not access.closed:
            _change(connection, access, {"closed_at": clock.now_us()})
        return _view(connection, group, request)


def join_group(cop: Resources, request: Request) -> dict[str, Any]:
    """Join, ask to join, or accept an invitation, as the group's policy has it."""
    group, person = request.arguments["group"], request.principal.subject
    with cop.database.write() as connection:
        access = access_group(connection, group, request.principal, changing=True)
        wanted = rules.join(_standing(connection, access, person))
        _set(connection, group, person, access.membership, wanted, version=access.group.version)
        return _view(connection, group, request)


def leave_group(cop: Resources, request: Request) -> dict[str, Any]:
    """Leave, take back a request, or decline an invitation."""
    group = request.arguments["group"]
    with cop.database.write() as connection:
        access = access_group(connection, group, request.principal, changing=True)
        _remove(connection, access, request.principal.subject)
    return {}


def invite_member(cop: Resources, request: Request) -> dict[str, Any]:
    """Invite somebody, by a steward."""
    return _lead(cop, request, rules.invite)


def approve_member(cop: Resources, request: Request) -> dict[str, Any]:
    """Let somebody in who has asked, by a steward."""
    return _lead(cop, request, rules.approve)


def change_role(cop: Resources, request: Request) -> dict[str, Any]:
    """Make a member steward, or a steward member, by a steward."""
    role = Role(request.arguments["role"])
    return _lead(cop, request, lambda standing: rules.change_role(standing, role))


def remove_member(cop: Resources, request: Request) -> dict[str, Any]:
    """Turn down a request, take back an invitation, or end a membership, by a steward."""
    with cop.database.write() as connection:
        access = access_leading(connection, request.arguments["group"], request.principal)
        _remove(connection, access, request.arguments["person"])
    return {}


def _described(given: Mapping[str, Any]) -> dict[str, Any]:
    name = words.required("name", words.line(given["name"]), NAME_LENGTHS[0])
    description = words.prose(given["description"])
    return {
        "name": name,
        "description": description,
        "territory": given["territory"],
        "visibility": given["visibility"],
        "join_policy": given["join_policy"],
        "language": given["language"],
        "search_name": folded(name),
        "search_text": folded(f"{name} {description}"),
    }


def _change(connection: Connection, access: Access, values: Mapping[str, Any]) -> None:
    version = access.group.version + 1
    connection.execute(
        update(groups).where(groups.c.id == access.group.id).values({**values, "version": version})
    )


def _lead(cop: Resources, request: Request, decide: Any) -> dict[str, Any]:
    group, person = request.arguments["group"], request.arguments["person"]
    with cop.database.write() as connection:
        access = access_leading(connection, group, request.principal)
        standing = _standing(connection, access, person)
        wanted = decide(standing)
        _set(connection, group, person, standing.membership, wanted, version=access.group.version)
    return {"person": person, "role": wanted.role.value, "status": wanted.status.value}


def _standing(connection: Connection, access: Access, person: str) -> Standing:
    """Everything that the rules decide by. The group's row is held, so that it stays true."""
    leading = (
        select(func.count())
        .select_from(memberships)
        .where(
            memberships.c.group == access.group.id,
            memberships.c.status == Status.ACTIVE,
            memberships.c.role == Role.STEWARD,
        )
    )
    return Standing(
        closed=access.closed,
        join_policy=access.group.join_policy,
        membership=membership_of(connection, access.group.id, person),
        stewards=connection.scalar(leading) or 0,
    )


def _set(
    connection: Connection,
    group: str,
    person: str,
    present: Membership | None,
    wanted: Membership,
    *,
    version: int,
) -> None:
    """Write a membership down, and tell of it where somebody became a member by it."""
    if wanted == present:
        return
    values: dict[str, Any] = {"role": wanted.role.value, "status": wanted.status.value}
    if present is None or present.status is not wanted.status:
        values["since"] = clock.now_us()
        change = "joined" if wanted.active else wanted.status.value
        MEMBERSHIPS.labels(change=change).inc()
    if present is None:
        connection.execute(insert(memberships).values(group=group, person=person, **values))
    else:
        connection.execute(update(memberships).where(*_key(group, person)).values(values))
    if wanted.active and (present is None or not present.active):
        _tell(connection, MEMBER_JOINED, group, person, version)


def _remove(connection: Connection, access: Access, person: str) -> None:
    standing = _standing(connection, access, person)
    rules.leave(standing)
    connection.execute(delete(memberships).where(*_key(access.group.id, person)))
    if standing.membership is not None and standing.membership.active:
        MEMBERSHIPS.labels(change="left").inc()
        _tell(connection, MEMBER_LEFT, access.group.id, person, access.group.version)


def _key(group: str, person: str) -> tuple[Any, Any]:
    return memberships.c.group == group, memberships.c.person == person


def _tell(connection: Connection, kind: EventType, group: str, person: str, version: int) -> None:
    record(connection, outbox, new_event(kind, group, {"id": group, "person": person, "version": version}))


def _view(connection: Connection, group: str, request: Request) -> dict[str, Any]:
    return group_view(connection, access_group(connection, group, request.principal))
