"""The projection's tables, registrations and the inbox."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT: dict[str, Any] = {"sqlite_strict": True}
CLUSTERED: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}


def _key(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, primary_key=True, autoincrement=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False)


def upgrade() -> None:
    _create_journal_side()
    _create_sums()
    op.create_table("registration_days", _key("day"), _whole("people"), **STRICT)
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])


def _create_journal_side() -> None:
    op.create_table(
        "positions",
        _key("partition"),
        sa.Column("timeline", sa.Text, nullable=False),
        _whole("sequence"),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("recorded_at", WHOLE),
        sa.Column("stalled", sa.Text),
        **STRICT,
    )
    op.create_table(
        "currencies",
        sa.Column("code", sa.Text, primary_key=True),
        _whole("partition"),
        sa.Column("kind", sa.Text, nullable=False),
        _whole("minor_units"),
        sa.Column("territory", sa.Text, nullable=False),
        _whole("simulated"),
        _whole("since"),
        **STRICT,
    )
    op.create_table(
        "pools",
        sa.Column("pool", WHOLE, primary_key=True),
        sa.Column("currency", sa.Text, sa.ForeignKey("currencies.code"), nullable=False),
        sa.Column("territory", sa.Text, nullable=False),
        **STRICT,
    )
    op.create_index("ix_pools_currency", "pools", ["currency", "territory"], unique=True)
    op.create_table(
        "accounts",
        sa.Column("account", WHOLE, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("pool", WHOLE, sa.ForeignKey("pools.pool"), nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        _whole("since"),
        sa.Column("first_active", WHOLE),
        _whole("balance"),
        _whole("last_at"),
        **STRICT,
    )
    op.create_table(
        "entries",
        *map(_key, ("account", "occurred_at", "sequence")),
        _whole("amount"),
        **CLUSTERED,
    )


def _create_sums() -> None:
    op.create_table(
        "account_days",
        *map(_key, ("pool", "day", "account")),
        *map(_whole, ("change", "paid", "received", "transfers")),
        **CLUSTERED,
    )
    op.create_table(
        "pool_days",
        *map(_key, ("pool", "day")),
        *map(_whole, ("issued", "redeemed", "supply", "area_high", "area_low", "transfers", "volume")),
        **CLUSTERED,
    )
    op.create_table(
        "amount_days",
        *map(_key, ("pool", "day", "amount")),
        _whole("transfers"),
        **CLUSTERED,
    )


def downgrade() -> None:
    for table in (
        "inbox",
        "registration_days",
        "amount_days",
        "pool_days",
        "account_days",
        "entries",
        "accounts",
        "pools",
        "currencies",
        "positions",
    ):
        op.drop_table(table)
