"""What the community of practice is asked and answers: groups, their members, and discussions in them.

People stand here by their ids alone; their names are identity's.
"""

from typing import Any

from marshmallow import Schema, fields, validate

from shared.contracts.identity import LOCALES
from shared.contracts.ledger import Arguments
from shared.contracts.primitives import ID_PATTERN, TAG_PATTERN

SERVICE = "cop"
AUDIENCE = "cop"

GROUP_KINDS = ("policy_group", "network", "work_package", "theme", "open")
"""Regional policy group, network of social and solidarity economy, work package, theme, open group."""
MEMBERS_OWN_KINDS = ("theme", "open")
"""What every member may create; the other kinds are the operators'."""
VISIBILITIES = ("public", "members")
"""Who sees a group and reads it: everybody who is signed in, or its members alone."""
JOIN_POLICIES = ("open", "approval", "invitation")
MEMBER_ROLES = ("steward", "member")
MEMBER_STATUSES = ("active", "asked", "invited")

NAME_LENGTHS = (3, 100)
DESCRIPTION_MAX_LENGTH = 2_000
TITLE_MAX_LENGTH = 160
BODY_MAX_LENGTH = 20_000
CATEGORY_MAX_LENGTH = 40


def _id(**options: Any) -> fields.String:
    return fields.String(validate=validate.Regexp(ID_PATTERN), **options)


def _text(longest: int, shortest: int = 1, **options: Any) -> fields.String:
    return fields.String(validate=validate.Length(shortest, longest), **options)


def _one_of(choices: tuple[str, ...], **options: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(choices), **options)


# Arguments: of the API, whose addresses name the group, topic or reply, and with these of the calls.


class GroupInput(Arguments):
    """`territory` is a tag such as "es-seville", "" for none; `language` is the one that the group speaks."""

    name = _text(NAME_LENGTHS[1], NAME_LENGTHS[0], required=True)
    description = _text(DESCRIPTION_MAX_LENGTH, 0, load_default="")
    territory = fields.String(validate=validate.Regexp(rf"^(?!\n)$|{TAG_PATTERN}"), load_default="")
    visibility = _one_of(VISIBILITIES, load_default="public")
    join_policy = _one_of(JOIN_POLICIES, load_default="open")
    language = _one_of(LOCALES, load_default="en")


class NewGroup(GroupInput):
    id = _id(load_default=None, allow_none=True)
    kind = _one_of(GROUP_KINDS, required=True)


class GroupEdit(GroupInput):
    """`version` is the one that was edited: where there is a later one, nothing is overwritten."""

    version = fields.Integer(strict=True, required=True)


class Invitation(Arguments):
    person = _id(required=True)


class RoleChange(Arguments):
    role = _one_of(MEMBER_ROLES, required=True)


class TopicInput(Arguments):
    """A topic's words: plain text, paragraphs parted by empty lines. `category` is a word or two."""

    title = _text(TITLE_MAX_LENGTH, required=True)
    body = _text(BODY_MAX_LENGTH, required=True)
    language = _one_of(LOCALES, required=True)
    category = _text(CATEGORY_MAX_LENGTH, 0, load_default="")


class NewTopic(TopicInput):
    id = _id(load_default=None, allow_none=True)


class TopicEdit(TopicInput):
    version = fields.Integer(strict=True, required=True)


class ReplyInput(Arguments):
    body = _text(BODY_MAX_LENGTH, required=True)
    language = _one_of(LOCALES, required=True)


class NewReply(ReplyInput):
    id = _id(load_default=None, allow_none=True)


class ReplyEdit(ReplyInput):
    version = fields.Integer(strict=True, required=True)


# Arguments of the calls alone.


class _Page(Arguments):
    cursor = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=400))
    limit = fields.Integer(strict=True, validate=validate.Range(1, 200), load_default=50)


class ListGroups(_Page):
    """Groups that the caller may see, by name. All words of `text` stand in the name or description; `mine`:
    where one is a member, has asked or is invited.
    """

    kind = _one_of(GROUP_KINDS, load_default=None, allow_none=True)
    text = fields.String(load_default="", validate=validate.Length(max=100))
    mine = fields.Boolean(load_default=False)


class ByGroup(Arguments):
    group = _id(required=True)


class OfGroup(_Page):
    group = _id(required=True)


class ReadGroup(OfGroup):
    """A group as a page shows it: itself, a page of its topics, and its first `members`; both empty to
    whoever may see it and not read it.
    """

    members = fields.Integer(strict=True, validate=validate.Range(1, 200), load_default=100)


class LeadGroup(ByGroup):
    """A group with the first `members` of each status, for its stewards."""

    members = fields.Integer(strict=True, validate=validate.Range(1, 200), load_default=100)


class ListMembers(OfGroup):
    status = _one_of(MEMBER_STATUSES, load_default="active")


class EditGroup(GroupEdit):
    group = _id(required=True)


class ByMember(ByGroup):
    person = _id(required=True)


class ChangeRole(ByMember):
    role = _one_of(MEMBER_ROLES, required=True)


class OpenTopic(NewTopic):
    group = _id(required=True)


class ByTopic(Arguments):
    topic = _id(required=True)


class OfTopic(_Page):
    """`start` is the number of the reply to begin with, instead of a cursor."""

    topic = _id(required=True)
    start = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 10**9))


class EditTopic(TopicEdit):
    topic = _id(required=True)


class AddReply(NewReply):
    topic = _id(required=True)


class ByReply(Arguments):
    reply = _id(required=True)


class EditReply(ReplyEdit):
    reply = _id(required=True)


class ListRevisions(Arguments):
    """The earlier words of a topic or a reply."""

    post = _id(required=True)


# Views.


class MembershipView(Schema):
    """`status`: active, asked (waits for a steward) or invited (waits for the person)."""

    person = fields.String(required=True)
    role = fields.String(required=True)
    status = fields.String(required=True)
    since = fields.String(required=True)


class GroupView(Schema):
    """`membership` is the caller's own, null where there is none; `may` is what they may do here now."""

    id = fields.String(required=True)
    version = fields.Integer(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    territory = fields.String(required=True)
    visibility = fields.String(required=True)
    join_policy = fields.String(required=True)
    language = fields.String(required=True)
    member_count = fields.Integer(required=True)
    membership = fields.Nested(MembershipView, required=True, allow_none=True)
    may = fields.List(fields.String(), required=True)
    created_at = fields.String(required=True)
    closed_at = fields.String(required=True, allow_none=True)


class TopicView(Schema):
    """A topic, also a deleted one, which has no words any more. `version` counts its edits from 1."""

    id = fields.String(required=True)
    version = fields.Integer(required=True)
    group = fields.String(required=True)
    author = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    language = fields.String(required=True)
    category = fields.String(required=True)
    reply_count = fields.Integer(required=True)
    may = fields.List(fields.String(), required=True)
    created_at = fields.String(required=True)
    edited_at = fields.String(required=True, allow_none=True)
    deleted_at = fields.String(required=True, allow_none=True)
    active_at = fields.String(required=True)


class ReplyView(Schema):
    """`number` counts the replies of a topic from 1, in their order."""

    id = fields.String(required=True)
    version = fields.Integer(required=True)
    topic = fields.String(required=True)
    number = fields.Integer(required=True)
    author = fields.String(required=True)
    body = fields.String(required=True)
    language = fields.String(required=True)
    may = fields.List(fields.String(), required=True)
    created_at = fields.String(required=True)
    edited_at = fields.String(required=True, allow_none=True)
    deleted_at = fields.String(required=True, allow_none=True)


class RevisionView(Schema):
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    replaced_at = fields.String(required=True)


# Data of the events: ids and versions, no words and no personal data.


class GroupCreated(Schema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)


class MembershipChanged(Schema):
    """`id` is the group's, `person` an opaque id."""

    id = fields.String(required=True)
    person = fields.String(required=True)
    version = fields.Integer(required=True)


class TopicOpened(Schema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    group = fields.String(required=True)


class ReplyAdded(Schema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    topic = fields.String(required=True)
    group = fields.String(required=True)
