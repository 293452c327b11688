"""Topics, their replies, and the earlier words of both. A deleted one keeps its place and loses its words."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from services.cop.schema import ID, METADATA, moment, words

topics = Table(
    "topics",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("group", ID, ForeignKey("groups.id"), nullable=False),
    Column("author", ID, nullable=False),
    words("title"),
    words("body"),
    words("language", 5),
    words("category"),
    Column("reply_count", Integer, nullable=False),
    Column("request", LargeBinary(32), nullable=False),
    moment("created_at"),
    moment("edited_at", known=False),
    moment("deleted_at", known=False),
    moment("active_at"),
    Index("topics_by_activity", "group", "active_at", "id"),
)

replies = Table(
    "replies",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("topic", ID, ForeignKey("topics.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("author", ID, nullable=False),
    words("body"),
    words("language", 5),
    Column("request", LargeBinary(32), nullable=False),
    moment("created_at"),
    moment("edited_at", known=False),
    moment("deleted_at", known=False),
    UniqueConstraint("topic", "number", name="replies_in_order"),
)

revisions = Table(
    "revisions",
    METADATA,
    Column("post", ID, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    words("title"),
    words("body"),
    moment("replaced_at"),
)
"""`post` is a topic's or a reply's id; `version` the one that was replaced then."""
