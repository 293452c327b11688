"""What changes discussions: opening topics, replying, editing, deleting. Each is one transaction, its event
in the outbox.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.cop import words
from services.cop.discussions import rules
from services.cop.discussions.access import Reached, access_reply, access_topic
from services.cop.discussions.tables import replies, revisions, topics
from services.cop.discussions.views import reply_view, topic_view
from services.cop.groups.access import access_reading, access_writing
from services.cop.groups.rules import require_open
from services.cop.metrics import POSTS
from services.cop.resources import Resources
from services.cop.schema import outbox
from shared.contracts import clock, ids
from shared.contracts.errors import Refusal
from shared.contracts.events import REPLY_ADDED, TOPIC_OPENED, new_event
from shared.messaging.service import Request
from shared.outbox.table import record


def open_topic(cop: Resources, request: Request) -> dict[str, Any]:
    """A new topic in a group; the same request again answers the topic as it is now."""
    given, author = request.arguments, request.principal.subject
    topic, group = given["id"] or ids.new_id(), given["group"]
    now, digest = clock.now_us(), words.digest({**given, "id": topic})
    values = {
        "id": topic,
        "version": 1,
        "group": group,
        "author": author,
        **_of_topic(given),
        "reply_count": 0,
        "request": digest,
        "created_at": now,
        "active_at": now,
    }
    try:
        with cop.database.write() as connection:
            known = _known(connection, topics, topic, author, digest)
            if known is not None:
                return topic_view(known, access_reading(connection, group, request.principal))
            access = access_writing(connection, group, request.principal)
            connection.execute(insert(topics).values(values))
            told = {"id": topic, "version": 1, "group": group}
            record(connection, outbox, new_event(TOPIC_OPENED, topic, told))
            view = topic_view(_row(connection, topics, topic), access)
    except IntegrityError as error:
        raise Refusal("id-reused", id=topic) from error
    POSTS.labels(kind="topic").inc()
    return view


def add_reply(cop: Resources, request: Request) -> dict[str, Any]:
    """A reply to a topic; the same request again answers the reply as it is now."""
    given, author = request.arguments, request.principal.subject
    reply = given["id"] or ids.new_id()
    now, digest = clock.now_us(), words.digest({**given, "id": reply})
    try:
        with cop.database.write() as connection:
            reached = access_topic(connection, given["topic"], request.principal, changing=True)
            known = _known(connection, replies, reply, author, digest)
            if known is not None:
                return reply_view(known, reached.access)
            topic = reached.row
            access = access_writing(connection, topic.group, request.principal)
            rules.require_may_reply(reached.post)
            number = topic.reply_count + 1
            values = {
                "id": reply,
                "version": 1,
                "topic": topic.id,
                "number": number,
                "author": author,
                **_of_reply(given),
                "request": digest,
                "created_at": now,
            }
            connection.execute(insert(replies).values(values))
            connection.execute(
                update(topics).where(topics.c.id == topic.id).values(reply_count=number, active_at=now)
            )
            told = {"id": reply, "version": 1, "topic": topic.id, "group": topic.group}
            record(connection, outbox, new_event(REPLY_ADDED, reply, told))
            view = reply_view(_row(connection, replies, reply), access)
    except IntegrityError as error:
        raise Refusal("id-reused", id=reply) from error
    POSTS.labels(kind="reply").inc()
    return view


def edit_topic(cop: Resources, request: Request) -> dict[str, Any]:
    """Change a topic's words, by its author; the earlier ones are kept."""
    with cop.database.write() as connection:
        reached = access_topic(connection, request.arguments["topic"], request.principal, changing=True)
        row = _edit(connection, topics, reached, request, _of_topic(request.arguments))
        return topic_view(row, reached.access)


def edit_reply(cop: Resources, request: Request) -> dict[str, Any]:
    """Change a reply's words, by its author; the earlier ones are kept."""
    with cop.database.write() as connection:
        reached = access_reply(connection, request.arguments["reply"], request.principal, changing=True)
        row = _edit(connection, replies, reached, request, _of_reply(request.arguments))
        return reply_view(row, reached.access)


def delete_topic(cop: Resources, request: Request) -> dict[str, Any]:
    """Take a topic's words away, by its author or a steward. Its replies stay."""
    with cop.database.write() as connection:
        reached = access_topic(connection, request.arguments["topic"], request.principal, changing=True)
        _delete(connection, topics, reached, request, {"title": "", "body": "", "category": ""})
    return {}


def delete_reply(cop: Resources, request: Request) -> dict[str, Any]:
    """Take a reply's words away, by its author or a steward."""
    with cop.database.write() as connection:
        reached = access_reply(connection, request.arguments["reply"], request.principal, changing=True)
        _delete(connection, replies, reached, request, {"body": ""})
    return {}


def _of_topic(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": words.required("title", words.line(given["title"])),
        "category": words.line(given["category"]),
        **_of_reply(given),
    }


def _of_reply(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"body": words.required("body", words.prose(given["body"])), "language": given["language"]}


def _edit(
    connection: Connection, table: Table, reached: Reached, request: Request, values: Mapping[str, Any]
) -> Any:
    row, now = reached.row, clock.now_us()
    access_writing(connection, reached.topic.group, request.principal)
    after = rules.edited(reached.post, request.principal.subject, request.arguments["version"])
    earlier = {"title": getattr(row, "title", ""), "body": row.body}
    connection.execute(insert(revisions).values(post=row.id, version=row.version, replaced_at=now, **earlier))
    connection.execute(
        update(table)
        .where(table.c.id == row.id)
        .values({**values, "version": after.version, "edited_at": now})
    )
    return _row(connection, table, row.id)


def _delete(
    connection: Connection, table: Table, reached: Reached, request: Request, empty: Mapping[str, str]
) -> None:
    require_open(reached.access.closed)
    after = rules.deleted(reached.post, request.principal.subject, leads=reached.access.leads)
    if after == reached.post:
        return
    row = reached.row
    # Who takes words back wants none of them kept: the earlier ones go as well.
    connection.execute(delete(revisions).where(revisions.c.post == row.id))
    connection.execute(
        update(table)
        .where(table.c.id == row.id)
        .values({**empty, "version": after.version, "deleted_at": clock.now_us()})
    )


def _known(connection: Connection, table: Table, id: str, author: str, digest: bytes) -> Any:
    """The row that this very request has made before, if any. Raises Refusal `id-reused` where another
    has.
    """
    row = connection.execute(select(table).where(table.c.id == id)).first()
    if row is not None and (row.author, row.request) != (author, digest):
        raise Refusal("id-reused", id=id)
    return row


def _row(connection: Connection, table: Table, id: str) -> Any:
    return connection.execute(select(table).where(table.c.id == id)).one()
