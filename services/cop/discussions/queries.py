"""What is answered about discussions, to whoever may read the group."""

from typing import Any

from sqlalchemy import or_, select, tuple_

from services.cop.discussions.access import access_post, access_reply, access_topic
from services.cop.discussions.tables import replies, revisions, topics
from services.cop.discussions.views import reply_view, revision_view, topic_view
from services.cop.groups.access import access_reading
from services.cop.resources import Resources
from shared import cursors
from shared.contracts.errors import Refusal
from shared.messaging.service import Request


def list_topics(cop: Resources, request: Request) -> dict[str, Any]:
    """The topics of a group, without their bodies, the latest active first; deleted ones where they have
    replies.
    """
    given = request.arguments
    order = (topics.c.active_at, topics.c.id)
    query = (
        select(topics)
        .where(topics.c.group == given["group"])
        .where(or_(topics.c.deleted_at.is_(None), topics.c.reply_count > 0))
        .order_by(*(column.desc() for column in order))
        .limit(given["limit"] + 1)
    )
    place = cursors.decode(given["cursor"], int, str)
    if place is not None:
        query = query.where(tuple_(*order) < place)
    with cop.database.read() as connection:
        access = access_reading(connection, given["group"], request.principal)
        shown, rest = cursors.page(list(connection.execute(query)), given["limit"], "active_at", "id")
        return {"data": [topic_view(row, access, whole=False) for row in shown], **rest}


def get_topic(cop: Resources, request: Request) -> dict[str, Any]:
    """One topic."""
    with cop.database.read() as connection:
        reached = access_topic(connection, request.arguments["topic"], request.principal)
        return topic_view(reached.row, reached.access)


def list_replies(cop: Resources, request: Request) -> dict[str, Any]:
    """The replies of a topic, in their order."""
    given = request.arguments
    query = (
        select(replies)
        .where(replies.c.topic == given["topic"])
        .order_by(replies.c.number)
        .limit(given["limit"] + 1)
    )
    place = cursors.decode(given["cursor"], int)
    if place is not None:
        query = query.where(replies.c.number > place[0])
    elif given["start"] is not None:
        query = query.where(replies.c.number >= given["start"])
    with cop.database.read() as connection:
        reached = access_topic(connection, given["topic"], request.principal)
        shown, rest = cursors.page(list(connection.execute(query)), given["limit"], "number")
        return {"data": [reply_view(row, reached.access) for row in shown], **rest}


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
