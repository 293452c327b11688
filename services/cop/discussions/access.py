"""Which topics and replies the caller reaches: those of the groups that they may read."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from services.cop.discussions.rules import Post
from services.cop.discussions.tables import replies, topics
from services.cop.groups.access import Access, access_reading
from shared.auth.principal import Principal
from shared.contracts.errors import Refusal


@dataclass(frozen=True, slots=True)
class Reached:
    """A topic or a reply, with the caller's place in its group. `topic` is the reply's, or the topic
    itself.
    """

    row: Any
    topic: Any
    access: Access

    @property
    def post(self) -> Post:
        return post_of(self.row)


def access_topic(connection: Connection, topic: str, caller: Principal, *, changing: bool = False) -> Reached:
    """A topic that the caller may read; held until the transaction ends, where it is for `changing`. Raises
    Refusal `not-found`.
    """
    row = _row(connection, topics, topic, changing)
    return Reached(row, row, access_reading(connection, row.group, caller))


def access_reply(connection: Connection, reply: str, caller: Principal, *, changing: bool = False) -> Reached:
    """As `access_topic`, of a reply."""
    row = _row(connection, replies, reply, changing)
    topic = _row(connection, topics, row.topic, False)
    return Reached(row, topic, access_reading(connection, topic.group, caller))


def access_post(connection: Connection, post: str, caller: Principal) -> Reached:
    """A topic or a reply, whichever has this id."""
    is_topic = connection.execute(select(topics.c.id).where(topics.c.id == post)).first() is not None
    return (access_topic if is_topic else access_reply)(connection, post, caller)


def post_of(row: Any) -> Post:
    return Post(row.author, row.version, row.deleted_at is not None)


def _row(connection: Connection, table: Table, id: str, changing: bool) -> Any:
    query = select(table).where(table.c.id == id)
    row = connection.execute(query.with_for_update() if changing else query).first()
    if row is None:
        raise Refusal("not-found")
    return row
