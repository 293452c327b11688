"""What is answered about discussions, to whoever may read the group."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, or_, select, tuple_

from services.cop.discussions.access import Reached, access_post, access_reply, access_topic
from services.cop.discussions.tables import replies, revisions, topics
from services.cop.discussions.views import reply_view, revision_view, topic_view
from services.cop.groups.access import Access, access_group, access_reading
from services.cop.groups.queries import members_of
from services.cop.groups.rules import Status
from services.cop.groups.views import group_view
from services.cop.resources import Resources
from shared import cursors
from shared.contracts.errors import Refusal
from shared.messaging.service import Request

NOTHING: Mapping[str, Any] = {"data": [], "next_cursor": None, "has_more": False}


def list_topics(cop: Resources, request: Request) -> dict[str, Any]:
    """The topics of a group, without their bodies, the latest active first; deleted ones where they have
    replies.
    """
    given = request.arguments
    with cop.database.read() as connection:
        access = access_reading(connection, given["group"], request.principal)
        return _topics(connection, access, given["limit"], given["cursor"])


def read_group(cop: Resources, request: Request) -> dict[str, Any]:
    """All that the page of a group shows: the group, a page of its topics, and its first members."""
    given = request.arguments
    with cop.database.read() as connection:
        access = access_group(connection, given["group"], request.principal)
        group = group_view(connection, access)
        if "read" not in group["may"]:
            return {"group": group, "topics": NOTHING, "members": NOTHING}
        return {
            "group": group,
            "topics": _topics(connection, access, given["limit"], given["cursor"]),
            "members": members_of(connection, given["group"], Status.ACTIVE, given["members"]),
        }


def get_topic(cop: Resources, request: Request) -> dict[str, Any]:
    """One topic."""
    with cop.database.read() as connection:
        reached = access_topic(connection, request.arguments["topic"], request.principal)
        return topic_view(reached.row, reached.access)


def list_replies(cop: Resources, request: Request) -> dict[str, Any]:
    """The replies of a topic, in their order."""
    with cop.database.read() as connection:
        reached = access_topic(connection, request.arguments["topic"], request.principal)
        return _replies(connection, reached, request.arguments)


def read_topic(cop: Resources, request: Request) -> dict[str, Any]:
    """All that the page of a topic shows: the topic, its group, and a page of the replies."""
    with cop.database.read() as connection:
        reached = access_topic(connection, request.arguments["topic"], request.principal)
        return {
            "topic": topic_view(reached.row, reached.access),
            "group": group_view(connection, reached.access),
            "replies": _replies(connection, reached, request.arguments),
        }


def get_reply(cop: Resources, request: Request) -> dict[str, Any]:
    """One reply."""
    with cop.database.read() as connection:
        reached = access_reply(connection, request.arguments["reply"], request.principal)
        return reply_view(reached.row, reached.access)


def list_revisions(cop: Resources, request: Request) -> dict[str, Any]:
    """The earlier words of a contribution, the latest first, for its author and the group's stewards."""
    post = request.arguments["post"]
    with cop.database.read() as connection:
        reached = access_post(connection, post, request.principal)
        if reached.row.author != request.principal.subject and not reached.access.leads:
            raise Refusal("stewards-only")
        rows = connection.execute(
            select(revisions).where(revisions.c.post == post).order_by(revisions.c.version.desc())
        )
        return {"data": [revision_view(row) for row in rows]}


def _topics(connection: Connection, access: Access, limit: int, cursor: str | None) -> dict[str, Any]:
    order = (topics.c.active_at, topics.c.id)
    query = (
        select(topics)
        .where(topics.c.group == access.group.id)
        .where(or_(topics.c.deleted_at.is_(None), topics.c.reply_count > 0))
        .order_by(*(column.desc() for column in order))
        .limit(limit + 1)
    )
    place = cursors.decode(cursor, int, str)
    if place is not None:
        query = query.where(tuple_(*order) < place)
    shown, rest = cursors.page(list(connection.execute(query)), limit, "active_at", "id")
    return {"data": [topic_view(row, access, whole=False) for row in shown], **rest}


def _replies(connection: Connection, topic: Reached, given: Mapping[str, Any]) -> dict[str, Any]:
    query = (
        select(replies)
        .where(replies.c.topic == topic.row.id)
        .order_by(replies.c.number)
        .limit(given["limit"] + 1)
    )
    place = cursors.decode(given["cursor"], int)
    if place is not None:
        query = query.where(replies.c.number > place[0])
    elif given["start"] is not None:
        query = query.where(replies.c.number >= given["start"])
    shown, rest = cursors.page(list(connection.execute(query)), given["limit"], "number")
    return {"data": [reply_view(row, topic.access) for row in shown], **rest}
