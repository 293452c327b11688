"""The journal, what follows from it, and the triggers that let nobody change it."""

import sqlalchemy as sa
from alembic import op

from services.ledger.columns import Identifier, Number

revision = "0001"
down_revision = None

APPEND_ONLY = ("journal", "entries")


def upgrade() -> None:
    _create_journal()
    _create_books()
    protect = _protect_on_sqlite if op.get_bind().dialect.name == "sqlite" else _protect_on_postgresql
    protect()


def downgrade() -> None:
    for table in (
        "relay_cursors",
        "entries",
        "balances",
        "accounts",
        "currencies",
        "refusals",
        "notes",
        "journal",
        "partitions",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_change()")


def _create_journal() -> None:
    op.create_table(
        "partitions",
        sa.Column("id", Number, primary_key=True, autoincrement=False),
        sa.Column("timeline", sa.String(36), nullable=False),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("last_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("last_batch", sa.String(36), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("partition", sa.BigInteger, nullable=False),
        sa.Column("command", Identifier, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("partition", "sequence", name="journal_pkey"),
        sa.UniqueConstraint("command", "partition", name="journal_command"),
    )
    op.create_table(
        "notes",
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("partition", sa.BigInteger, nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
        sa.Column("memo", sa.Text, nullable=False),
        sa.Column("case_reference", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("partition", "sequence", name="notes_pkey"),
    )
    op.create_table(
        "refusals",
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("partition", sa.BigInteger, nullable=False),
        sa.Column("command", Identifier, nullable=False),
        sa.Column("derived", sa.Boolean, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("command", "partition", name="refusals_pkey"),
    )
    op.create_index("refusals_recorded_at", "refusals", ["recorded_at"])
    op.create_table(
        "relay_cursors",
        sa.Column("partition", Number, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )


def _create_books() -> None:
    op.create_table(
        "currencies",
        sa.Column("code", sa.String(10), primary_key=True),
        sa.Column("partition", sa.BigInteger, nullable=False),
        sa.Column("id", Identifier, nullable=False, unique=True),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("minor_units", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("default_credit_limit", sa.BigInteger, nullable=False),
        sa.Column("maximum_balance", sa.BigInteger, nullable=False),
        sa.Column("territory", sa.String(40), nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("issuance_account", Identifier, nullable=False),
        sa.Column("redemption_account", Identifier, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("number", Number, primary_key=True, autoincrement=False),
        sa.Column("id", Identifier, nullable=False, unique=True),
        sa.Column("currency", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("holder", Identifier),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("ceiling", sa.BigInteger, nullable=False),
        sa.Column("territory", sa.String(40)),
        sa.Column("category", sa.String(40)),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
    )
    op.create_index("accounts_holder", "accounts", ["holder", "number"])
    op.create_index("accounts_currency", "accounts", ["currency", "number"])
    op.create_table(
        "balances",
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("bucket", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "bucket", name="balances_pkey"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 60},
    )
    op.create_table(
        "entries",
        sa.Column("account", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("bucket", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "sequence", "bucket", name="entries_pkey"),
        sqlite_with_rowid=False,
    )


def _protect_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} takes new rows only'); END"
            )


def _protect_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% takes new rows only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
