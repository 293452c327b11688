"""Who may do what in a group: every operation and query on something in a group begins here.

To whoever may not see a group, it does not exist.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from services.cop.groups import rules
from services.cop.groups.rules import Membership, Role, Status
from services.cop.groups.tables import groups, memberships
from shared.auth.principal import Principal
from shared.contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Access:
    """A group that the caller may see, and their own place in it."""

    group: Any
    membership: Membership | None
    caller: Principal

    @property
    def closed(self) -> bool:
        return self.group.closed_at is not None

    @property
    def leads(self) -> bool:
        return rules.may_lead(self.caller, self.membership)

    @property
    def writes(self) -> bool:
        """Whether the caller may write here now."""
        return self.membership is not None and self.membership.active and not self.closed


def access_group(connection: Connection, group: str, caller: Principal, *, changing: bool = False) -> Access:
    """The group as the caller sees it; held until the transaction ends, where it is for `changing`. Raises
    Refusal `not-found`.
    """
    query = select(groups).where(groups.c.id == group)
    row = connection.execute(query.with_for_update() if changing else query).first()
    if row is None:
        raise Refusal("not-found")
    own = membership_of(connection, group, caller.subject)
    if not rules.is_visible(row.visibility, own):
        raise Refusal("not-found")
    return Access(row, own, caller)


def access_reading(connection: Connection, group: str, caller: Principal) -> Access:
    """A group whose members and discussions the caller may read. Raises Refusal `not-found`."""
    access = access_group(connection, group, caller)
    if not rules.is_readable(access.group.visibility, access.membership):
        raise Refusal("not-found")
    return access


def access_writing(connection: Connection, group: str, caller: Principal) -> Access:
    """A group in which the caller may write. Raises Refusal `not-found`, `members-only`, `group-closed`."""
    access = access_reading(connection, group, caller)
    rules.require_open(access.closed)
    if not access.writes:
        raise Refusal("members-only")
    return access


def access_leading(connection: Connection, group: str, caller: Principal, *, changing: bool = True) -> Access:
    """A group that the caller may lead. Raises Refusal `not-found`, `stewards-only`."""
    access = access_group(connection, group, caller, changing=changing)
    if not access.leads:
        raise Refusal("stewards-only")
    return access


def membership_of(connection: Connection, group: str, person: str) -> Membership | None:
    row = connection.execute(
        select(memberships.c.role, memberships.c.status).where(
            memberships.c.group == group, memberships.c.person == person
        )
    ).first()
    return Membership(Role(row.role), Status(row.status)) if row else None


def visible_to(caller: Principal) -> ColumnElement[bool]:
    """`rules.is_visible` as a condition on rows of `groups`."""
    own = and_(
        memberships.c.group == groups.c.id,
        memberships.c.person == caller.subject,
        memberships.c.status != Status.ASKED,
    )
    return or_(groups.c.visibility == "public", select(memberships.c.person).where(own).exists())
