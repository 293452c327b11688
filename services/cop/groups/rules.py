"""The rules of groups: who creates, joins, leaves and leads. A group that is open always has a steward."""

from dataclasses import dataclass
from enum import StrEnum

from shared.auth.principal import ADMINISTRATOR, OPERATOR, Principal
from shared.contracts.cop import MEMBERS_OWN_KINDS
from shared.contracts.errors import Refusal


class Role(StrEnum):
    STEWARD = "steward"
    MEMBER = "member"


class Status(StrEnum):
    """Of a membership. Only active ones read and write; `asked` waits for a steward, `invited` for the
    person.
    """

    ACTIVE = "active"
    ASKED = "asked"
    INVITED = "invited"


@dataclass(frozen=True, slots=True)
class Membership:
    """A person's place in a group."""

    role: Role = Role.MEMBER
    status: Status = Status.ACTIVE

    @property
    def active(self) -> bool:
        return self.status is Status.ACTIVE

    @property
    def leads(self) -> bool:
        return self.active and self.role is Role.STEWARD


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is decided by: the group's state, the membership in question (None: there is none), and how
    many stewards there are.
    """

    closed: bool
    join_policy: str
    membership: Membership | None
    stewards: int


FOUNDER = Membership(Role.STEWARD)


def is_operator(caller: Principal) -> bool:
    return caller.has(OPERATOR, ADMINISTRATOR)


def require_may_create(caller: Principal, kind: str) -> None:
    """Members create themes and open groups, operators every kind."""
    if kind not in MEMBERS_OWN_KINDS and not is_operator(caller):
        raise Refusal("not-permitted", action=f"create a group of kind {kind}")


def is_visible(visibility: str, membership: Membership | None) -> bool:
    """Whether somebody learns that the group exists: of a private one its members and whom it invites."""
    return visibility == "public" or (membership is not None and membership.status is not Status.ASKED)


def is_readable(visibility: str, membership: Membership | None) -> bool:
    """Whether somebody reads the discussions and who is a member: in a private group its members alone."""
    return visibility == "public" or (membership is not None and membership.active)


def may_lead(caller: Principal, membership: Membership | None) -> bool:
    """Stewards lead a group; so do operators, in every group that they see."""
    return (membership is not None and membership.leads) or is_operator(caller)


def join(standing: Standing) -> Membership:
    """The membership of somebody who joins, asks to join, or accepts an invitation; one who has a place
    already keeps it.
    """
    _require_open(standing)
    present = standing.membership
    if present is not None and present.status is not Status.INVITED:
        return present
    if present is not None or standing.join_policy == "open":
        return Membership()
    if standing.join_policy == "approval":
        return Membership(status=Status.ASKED)
    raise Refusal("invitation-needed")


def invite(standing: Standing) -> Membership:
    """The membership of somebody whom a steward invites; who has asked is thereby approved."""
    _require_open(standing)
    if standing.membership is None:
        return Membership(status=Status.INVITED)
    return Membership() if standing.membership.status is Status.ASKED else standing.membership


def approve(standing: Standing) -> Membership:
    """The membership of somebody who has asked to join, once a steward agrees."""
    _require_open(standing)
    present = _existing(standing)
    return Membership() if present.status is Status.ASKED else present


def change_role(standing: Standing, role: Role) -> Membership:
    """The membership of an active member in another role."""
    _require_open(standing)
    present = _existing(standing)
    if not present.active:
        raise Refusal("not-found")
    if present.leads and role is not Role.STEWARD:
        _require_another_steward(standing)
    return Membership(role)


def leave(standing: Standing) -> None:
    """Refuses where nobody would be left to lead; a request or an invitation is taken back in the same
    way.
    """
    if _existing(standing).leads and not standing.closed:
        _require_another_steward(standing)


def require_open(closed: bool) -> None:
    """Refuse to change what is closed."""
    if closed:
        raise Refusal("group-closed")


def _require_open(standing: Standing) -> None:
    require_open(standing.closed)


def _existing(standing: Standing) -> Membership:
    if standing.membership is None:
        raise Refusal("not-found")
    return standing.membership


def _require_another_steward(standing: Standing) -> None:
    if standing.stewards <= 1:
        raise Refusal("last-steward")
