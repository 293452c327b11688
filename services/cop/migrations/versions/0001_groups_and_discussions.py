"""Groups, memberships, topics, replies, revisions and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.String(36)


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("id", ID, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("territory", sa.String(40), nullable=False),
        sa.Column("visibility", sa.String(20), nullable=False),
        sa.Column("join_policy", sa.String(20), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("search_name", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("creator", ID, nullable=False),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
    )
    op.create_index("groups_by_name", "groups", ["search_name", "id"])
    op.create_table(
        "memberships",
        sa.Column("group", ID, sa.ForeignKey("groups.id"), primary_key=True),
        sa.Column("person", ID, primary_key=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_index("memberships_in_order", "memberships", ["group", "status", "since", "person"])
    op.create_index("memberships_of_person", "memberships", ["person"])
    op.create_table(
        "topics",
        sa.Column("id", ID, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("group", ID, sa.ForeignKey("groups.id"), nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("reply_count", sa.Integer, nullable=False),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("edited_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("active_at", sa.BigInteger, nullable=False),
    )
    op.create_index("topics_by_activity", "topics", ["group", "active_at", "id"])
    op.create_table(
        "replies",
        sa.Column("id", ID, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("topic", ID, sa.ForeignKey("topics.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("request", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("edited_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.UniqueConstraint("topic", "number", name="replies_in_order"),
    )
    op.create_table(
        "revisions",
        sa.Column("post", ID, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("replaced_at", sa.BigInteger, nullable=False),
    )
    _outbox()


def downgrade() -> None:
    for table in ("outbox", "revisions", "replies", "topics", "memberships", "groups"):
        op.drop_table(table)


def _outbox() -> None:
    pending = sa.text("published_at IS NULL")
    op.create_table(
        "outbox",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("routing_key", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_pending", "outbox", ["sequence"], postgresql_where=pending, sqlite_where=pending
    )
    op.create_index("ix_outbox_published_at", "outbox", ["published_at"])
