"""What the kernel remembers beside accounts and balances, and what is agreed with an account's holder."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("terms", sa.Text, nullable=False, server_default="{}"))
    op.create_table(
        "things",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("partition", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "partition", name="things_pkey"),
    )
    op.create_index("things_owner", "things", ["kind", "owner"])
    _create_partial_index("things_due_at", "things", "due_at", "due_at IS NOT NULL")
    _create_partial_index("balances_bucket", "balances", "bucket", "bucket <> ''")


def downgrade() -> None:
    op.drop_index("balances_bucket", "balances")
    op.drop_table("things")
    op.drop_column("accounts", "terms")


def _create_partial_index(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
