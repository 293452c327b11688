"""Who creates, joins, leads and leaves groups; who changes what was said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.cop.discussions import rules as discussions
from services.cop.discussions.rules import MAX_EDITS, Post
from services.cop.groups import rules
from services.cop.groups.rules import FOUNDER, Membership, Role, Standing, Status
from shared.auth.principal import ADMINISTRATOR, MEMBER, OPERATOR, Principal
from shared.contracts.cop import GROUP_KINDS, JOIN_POLICIES, MEMBERS_OWN_KINDS
from shared.contracts.errors import Refusal

PEOPLE = ("ana", "ben", "chloe", "dina")
people = st.sampled_from(PEOPLE)


def principal(*roles: str) -> Principal:
    return Principal("somebody", frozenset(roles), 0)


@pytest.mark.parametrize("kind", GROUP_KINDS)
def test_members_create_themes_and_open_groups_and_operators_all_kinds(kind: str) -> None:
    for role in (OPERATOR, ADMINISTRATOR):
        rules.require_may_create(principal(role), kind)
    if kind in MEMBERS_OWN_KINDS:
        rules.require_may_create(principal(MEMBER), kind)
    else:
        with pytest.raises(Refusal, match="not-permitted"):
            rules.require_may_create(principal(MEMBER), kind)


@pytest.mark.parametrize(
    ("policy", "status"), [("open", Status.ACTIVE), ("approval", Status.ASKED), ("invitation", None)]
)
def test_joining_goes_by_the_policy(policy: str, status: Status | None) -> None:
    standing = Standing(closed=False, join_policy=policy, membership=None, stewards=1)
    if status is None:
        with pytest.raises(Refusal, match="invitation-needed"):
            rules.join(standing)
    else:
        assert rules.join(standing) == Membership(status=status)
    assert rules.join(replace(standing, membership=Membership(status=Status.INVITED))) == Membership()
    for kept in (FOUNDER, Membership(), Membership(status=Status.ASKED)):
        assert rules.join(replace(standing, membership=kept)) == kept


@pytest.mark.parametrize(
    ("membership", "visible", "readable"),
    [
        (None, False, False),
        (Membership(status=Status.ASKED), False, False),
        (Membership(status=Status.INVITED), True, False),
        (Membership(), True, True),
        (FOUNDER, True, True),
    ],
)
def test_a_private_group_is_seen_by_members_and_invited_ones(
    membership: Membership | None, visible: bool, readable: bool
) -> None:
    assert rules.is_visible("members", membership) is visible
    assert rules.is_readable("members", membership) is readable
    assert rules.is_visible("public", membership)
    assert rules.is_readable("public", membership)


class GroupLife(RuleBasedStateMachine):
    """Whatever people do, in whatever order: an open group has a steward, and nobody joins against its
    policy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.members: dict[str, Membership] = {"ana": FOUNDER}
        self.agreed: set[str] = {"ana"}
        self.closed = False
        self.policy = "open"

    def standing(self, person: str) -> Standing:
        stewards = sum(one.leads for one in self.members.values())
        return Standing(self.closed, self.policy, self.members.get(person), stewards)

    def attempt(self, person: str, decide: object, *more: object) -> None:
        try:
            wanted = decide(self.standing(person), *more)  # type: ignore[operator]
        except Refusal:
            return
        if wanted is None:
            del self.members[person]
            self.agreed.discard(person)
        else:
            self.members[person] = wanted

    @rule(policy=st.sampled_from(JOIN_POLICIES))
    def choose_policy(self, policy: str) -> None:
        self.policy = policy

    @rule(person=people)
    def join(self, person: str) -> None:
        invited = self.members.get(person) == Membership(status=Status.INVITED)
        if invited or (self.policy == "open" and person not in self.members):
            self.agreed.add(person)
        self.attempt(person, rules.join)

    @rule(person=people)
    def invite(self, person: str) -> None:
        if self.members.get(person) == Membership(status=Status.ASKED):
            self.agreed.add(person)
        self.attempt(person, rules.invite)

    @rule(person=people)
    def approve(self, person: str) -> None:
        if self.members.get(person) == Membership(status=Status.ASKED):
            self.agreed.add(person)
        self.attempt(person, rules.approve)

    @rule(person=people, role=st.sampled_from(Role))
    def change_role(self, person: str, role: Role) -> None:
        self.attempt(person, rules.change_role, role)

    @rule(person=people)
    def leave(self, person: str) -> None:
        self.attempt(person, rules.leave)

    @precondition(lambda self: not self.closed)
    @rule()
    def close(self) -> None:
        self.closed = True

    @invariant()
    def an_open_group_has_a_steward(self) -> None:
        assert self.closed or any(one.leads for one in self.members.values())

    @invariant()
    def both_sides_agreed_to_every_membership(self) -> None:
        assert {name for name, one in self.members.items() if one.active} <= self.agreed

    @invariant()
    def nobody_leads_who_is_no_member(self) -> None:
        assert all(one.active or one.role is Role.MEMBER for one in self.members.values())


TestGroupLife = GroupLife.TestCase


def test_the_last_steward_stays_and_may_go_once_the_group_is_closed() -> None:
    last = Standing(closed=False, join_policy="open", membership=FOUNDER, stewards=1)
    with pytest.raises(Refusal, match="last-steward"):
        rules.leave(last)
    with pytest.raises(Refusal, match="last-steward"):
        rules.change_role(last, Role.MEMBER)
    rules.leave(replace(last, stewards=2))
    rules.leave(replace(last, closed=True))


@given(st.integers(1, MAX_EDITS + 1), st.integers(1, MAX_EDITS + 1), st.booleans(), st.booleans())
def test_only_the_author_edits_only_the_latest_version_and_only_so_often(
    version: int, seen: int, deleted: bool, own: bool
) -> None:
    post = Post("ana", version, deleted)
    allowed = own and not deleted and version == seen and version <= MAX_EDITS
    if allowed:
        assert discussions.edited(post, "ana", seen) == Post("ana", version + 1, deleted=False)
    else:
        with pytest.raises(Refusal):
            discussions.edited(post, "ana" if own else "ben", seen)


def test_deleting_is_for_the_author_and_stewards_and_happens_once() -> None:
    post = Post("ana", 3, deleted=False)
    gone = Post("ana", 4, deleted=True)
    assert discussions.deleted(post, "ana", leads=False) == gone
    assert discussions.deleted(post, "ben", leads=True) == gone
    assert discussions.deleted(gone, "ana", leads=False) == gone
    with pytest.raises(Refusal, match="not-permitted"):
        discussions.deleted(post, "ben", leads=False)
    with pytest.raises(Refusal, match="deleted"):
        discussions.require_may_reply(gone)
