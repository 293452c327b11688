"""Groups and their members. People stand here by their opaque ids alone."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table

from services.cop.schema import ID, METADATA, moment, words

groups = Table(
    "groups",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", ID, nullable=False),
    words("name"),
    words("description"),
    words("territory", 40),
    words("visibility", 20),
    words("join_policy", 20),
    words("language", 5),
    words("search_name"),
    words("search_text"),
    Column("creator", ID, nullable=False),
    Column("request", LargeBinary(32), nullable=False),
    moment("created_at"),
    moment("closed_at", known=False),
    Index("groups_by_name", "search_name", "id"),
)
"""`search_name` and `search_text` are as `shared.folding` has them; `request` is the hash of the request that
made the group.
"""

memberships = Table(
    "memberships",
    METADATA,
    Column("group", ID, ForeignKey("groups.id"), primary_key=True),
    Column("person", ID, primary_key=True),
    words("role", 20),
    words("status", 20),
    moment("since"),
    Index("memberships_in_order", "group", "status", "since", "person"),
    Index("memberships_of_person", "person"),
)
