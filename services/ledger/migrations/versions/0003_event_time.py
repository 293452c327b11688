"""What the jobs read from the journal for queries: entries told late, and who may operate whose account."""

import sqlalchemy as sa
from alembic import op

from services.ledger.columns import Identifier, Number

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "late_days",
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.Column("occurred_on", sa.BigInteger, nullable=False),
        sa.Column("recorded_on", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "occurred_on", "recorded_on", name="late_days_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "late_entries",
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "occurred_at", "sequence", name="late_entries_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("late_entries_recorded_at", "late_entries", ["account", "recorded_at"])
    op.create_table(
        "delegations",
        sa.Column("subject", Identifier, nullable=False),
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", "account", name="delegations_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_index("delegations_account", "delegations", ["account"])
    op.create_table(
        "reading_cursors",
        sa.Column("partition", Number, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("reading_cursors", "delegations", "late_entries", "late_days"):
        op.drop_table(table)
