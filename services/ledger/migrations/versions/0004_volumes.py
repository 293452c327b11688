"""PostgreSQL's index of entries is kept in volumes of the journal (see `tables.volume`)."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE UNIQUE INDEX entries_key ON entries ((sequence >> 19), account, sequence, bucket)")
        op.drop_constraint("entries_pkey", "entries")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_primary_key("entries_pkey", "entries", ["account", "sequence", "bucket"])
        op.drop_index("entries_key", "entries")
