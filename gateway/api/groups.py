"""Groups, their members, and the discussions in them. Every answer says the names of those whose ids stand
in it.
"""

from collections.abc import Iterator
from typing import Any

from flask import Response

from gateway.api.answers import blueprint, idempotency_key
from gateway.api.answers import json as json_answer
from gateway.api.schemas import (
    GroupListView,
    GroupsQuery,
    MemberListView,
    MembersQuery,
    NoInput,
    PageQuery,
    ReplyListView,
    ReplyWithNames,
    RevisionListView,
    TopicListView,
    TopicWithNames,
)
from gateway.asking import ask, signed_in
from shared.contracts import cop, identity, ids
from shared.contracts.errors import Refusal

PEOPLE_FIELDS = ("author", "person")
NAMES_AT_ONCE = 200

part = blueprint("groups", "Groups of the community of practice, and the discussions in them.")


@part.route("/groups", methods=["GET"])
@part.arguments(GroupsQuery, location="query")
@part.response(200, GroupListView)
@part.doc(summary="List groups")
def list_groups(query: dict[str, Any]) -> Response:
    """By name: the public groups, and the private ones that one is a member of or invited to."""
    return json_answer(ask(cop.SERVICE, "list_groups", **query))


@part.route("/groups", methods=["POST"])
@part.arguments(cop.NewGroup)
@part.response(201, cop.GroupView)
@part.doc(summary="Create a group")
def create_group(given: dict[str, Any]) -> Response:
    """Members create themes and open groups, operators every kind. Who creates a group is its steward."""
    view = made("create_group", "group", given)
    return json_answer(view, 201, {"Location": f"/api/v1/groups/{view['id']}"})


@part.route("/groups/<id:id>", methods=["GET"])
@part.response(200, cop.GroupView)
@part.doc(summary="Read a group")
def get_group(id: str) -> Response:
    """A group, one's own place in it, and what one may do there."""
    return json_answer(ask(cop.SERVICE, "get_group", group=id))


@part.route("/groups/<id:id>", methods=["PATCH"])
@part.arguments(cop.GroupEdit)
@part.response(200, cop.GroupView)
@part.doc(summary="Edit a group")
def edit_group(given: dict[str, Any], id: str) -> Response:
    """For stewards. What is left out takes its default; `version` is the one that was edited."""
    return json_answer(ask(cop.SERVICE, "edit_group", group=id, **given))


@part.route("/groups/<id:id>/close", methods=["POST"])
@part.arguments(NoInput)
@part.response(200, cop.GroupView)
@part.doc(summary="Close a group")
def close_group(_given: dict[str, Any], id: str) -> Response:
    """For stewards, for good: a closed group can be read, not changed."""
    return json_answer(ask(cop.SERVICE, "close_group", group=id))


@part.route("/groups/<id:id>/join", methods=["POST"])
@part.arguments(NoInput)
@part.response(200, cop.GroupView)
@part.doc(summary="Join a group")
def join_group(_given: dict[str, Any], id: str) -> Response:
    """Joins, asks to join, or accepts an invitation, as the group's policy has it."""
    return json_answer(ask(cop.SERVICE, "join_group", group=id))


@part.route("/groups/<id:id>/leave", methods=["POST"])
@part.arguments(NoInput)
@part.response(204, description="Left")
@part.doc(summary="Leave a group")
def leave_group(_given: dict[str, Any], id: str) -> Response:
    """Leaves, takes back a request, or declines an invitation. The last steward cannot leave."""
    ask(cop.SERVICE, "leave_group", group=id)
    return Response(status=204)


@part.route("/groups/<id:id>/members", methods=["GET"])
@part.arguments(MembersQuery, location="query")
@part.response(200, MemberListView)
@part.doc(summary="List a group's members")
def list_members(query: dict[str, Any], id: str) -> Response:
    """The longest-standing first; who has asked or is invited, for stewards."""
    return json_answer(with_names(ask(cop.SERVICE, "list_members", group=id, **query)))


@part.route("/groups/<id:id>/members", methods=["POST"])
@part.arguments(cop.Invitation)
@part.response(201, description="Invited")
@part.doc(summary="Invite somebody")
def invite_member(given: dict[str, Any], id: str) -> Response:
    """For stewards. Who has asked to join already is a member by it."""
    return json_answer(ask(cop.SERVICE, "invite_member", group=id, **given), 201)


@part.route("/groups/<id:id>/members/<id:person>/approve", methods=["POST"])
@part.arguments(NoInput)
@part.response(200, description="A member now")
@part.doc(summary="Let somebody in who has asked")
def approve_member(_given: dict[str, Any], id: str, person: str) -> Response:
    """For stewards."""
    return json_answer(ask(cop.SERVICE, "approve_member", group=id, person=person))


@part.route("/groups/<id:id>/members/<id:person>", methods=["PATCH"])
@part.arguments(cop.RoleChange)
@part.response(200, description="The role is changed")
@part.doc(summary="Change a member's role")
def change_role(given: dict[str, Any], id: str, person: str) -> Response:
    """For stewards. The last one stays steward."""
    return json_answer(ask(cop.SERVICE, "change_role", group=id, person=person, **given))


@part.route("/groups/<id:id>/members/<id:person>", methods=["DELETE"])
@part.response(204, description="Removed")
@part.doc(summary="Remove a member")
def remove_member(id: str, person: str) -> Response:
    """For stewards: ends a membership, turns down a request, or takes back an invitation."""
    ask(cop.SERVICE, "remove_member", group=id, person=person)
    return Response(status=204)


@part.route("/groups/<id:id>/topics", methods=["GET"])
@part.arguments(PageQuery, location="query")
@part.response(200, TopicListView)
@part.doc(summary="List a group's topics")
def list_topics(query: dict[str, Any], id: str) -> Response:
    """Without their bodies, the latest active first."""
    return json_answer(with_names(ask(cop.SERVICE, "list_topics", group=id, **query)))


@part.route("/groups/<id:id>/topics", methods=["POST"])
@part.arguments(cop.NewTopic)
@part.response(201, TopicWithNames)
@part.doc(summary="Open a topic")
def open_topic(given: dict[str, Any], id: str) -> Response:
    """For members. With an Idempotency-Key, repeating the request opens nothing twice."""
    view = made("open_topic", "topic", given, group=id)
    return json_answer(with_names(view), 201, {"Location": f"/api/v1/topics/{view['id']}"})


@part.route("/topics/<id:id>", methods=["GET"])
@part.response(200, TopicWithNames)
@part.doc(summary="Read a topic")
def get_topic(id: str) -> Response:
    """A topic; its replies stand below it."""
    return json_answer(with_names(ask(cop.SERVICE, "get_topic", topic=id)))


@part.route("/topics/<id:id>", methods=["PATCH"])
@part.arguments(cop.TopicEdit)
@part.response(200, TopicWithNames)
@part.doc(summary="Edit a topic")
def edit_topic(given: dict[str, Any], id: str) -> Response:
    """For its author; the earlier words are kept."""
    return json_answer(with_names(ask(cop.SERVICE, "edit_topic", topic=id, **given)))


@part.route("/topics/<id:id>", methods=["DELETE"])
@part.response(204, description="Deleted")
@part.doc(summary="Delete a topic")
def delete_topic(id: str) -> Response:
    """For its author and stewards: the words go, the place and the replies stay."""
    ask(cop.SERVICE, "delete_topic", topic=id)
    return Response(status=204)


@part.route("/topics/<id:id>/revisions", methods=["GET"])
@part.response(200, RevisionListView)
@part.doc(summary="Read a topic's earlier words")
def list_topic_revisions(id: str) -> Response:
    """For its author and stewards."""
    return json_answer(ask(cop.SERVICE, "list_revisions", post=id))


@part.route("/topics/<id:id>/replies", methods=["GET"])
@part.arguments(PageQuery, location="query")
@part.response(200, ReplyListView)
@part.doc(summary="List a topic's replies")
def list_replies(query: dict[str, Any], id: str) -> Response:
    """In their order."""
    return json_answer(with_names(ask(cop.SERVICE, "list_replies", topic=id, **query)))


@part.route("/topics/<id:id>/replies", methods=["POST"])
@part.arguments(cop.NewReply)
@part.response(201, ReplyWithNames)
@part.doc(summary="Reply")
def add_reply(given: dict[str, Any], id: str) -> Response:
    """For members. With an Idempotency-Key, repeating the request replies only once."""
    view = made("add_reply", "reply", given, topic=id)
    return json_answer(with_names(view), 201, {"Location": f"/api/v1/replies/{view['id']}"})


@part.route("/replies/<id:id>", methods=["GET"])
@part.response(200, ReplyWithNames)
@part.doc(summary="Read a reply")
def get_reply(id: str) -> Response:
    """One reply."""
    return json_answer(with_names(ask(cop.SERVICE, "get_reply", reply=id)))


@part.route("/replies/<id:id>", methods=["PATCH"])
@part.arguments(cop.ReplyEdit)
@part.response(200, ReplyWithNames)
@part.doc(summary="Edit a reply")
def edit_reply(given: dict[str, Any], id: str) -> Response:
    """For its author; the earlier words are kept."""
    return json_answer(with_names(ask(cop.SERVICE, "edit_reply", reply=id, **given)))


@part.route("/replies/<id:id>", methods=["DELETE"])
@part.response(204, description="Deleted")
@part.doc(summary="Delete a reply")
def delete_reply(id: str) -> Response:
    """For its author and stewards: the words go, the place stays."""
    ask(cop.SERVICE, "delete_reply", reply=id)
    return Response(status=204)


@part.route("/replies/<id:id>/revisions", methods=["GET"])
@part.response(200, RevisionListView)
@part.doc(summary="Read a reply's earlier words")
def list_reply_revisions(id: str) -> Response:
    """For its author and stewards."""
    return json_answer(ask(cop.SERVICE, "list_revisions", post=id))


def made(method: str, kind: str, given: dict[str, Any], **place: str) -> dict[str, Any]:
    """What the service has made, once for each Idempotency-Key, whose id it then has."""
    key = idempotency_key()
    derived = key is not None and given.get("id") is None
    if key is not None and derived:
        given["id"] = ids.derived_id(kind, signed_in().id, key)
    try:
        view: dict[str, Any] = ask(cop.SERVICE, method, **place, **given)
    except Refusal as refusal:
        if refusal.slug == "id-reused" and derived:
            raise Refusal("idempotency-conflict") from refusal
        raise
    return view


def with_names(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with `names`: those of all people whose ids stand in it, as far as they have one."""
    return {**answer, "names": names_of(list(_people(answer)))}


def names_of(people: list[str]) -> dict[str, str]:
    """The names of people, as identity knows them."""
    wanted = list(dict.fromkeys(people))
    names: dict[str, str] = {}
    for start in range(0, len(wanted), NAMES_AT_ONCE):
        some = wanted[start : start + NAMES_AT_ONCE]
        names |= ask(identity.SERVICE, "get_names", ids=some)["names"]
    return names


def _people(answer: dict[str, Any]) -> Iterator[str]:
    for view in (answer, *answer.get("data", ())):
        yield from (view[field] for field in PEOPLE_FIELDS if field in view)
