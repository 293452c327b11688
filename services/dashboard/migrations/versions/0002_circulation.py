"""Who gave what to whom, and the figures of closed periods made from it.

Nothing is filled here: a projection whose `movements_to` is behind notices it and builds itself again.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT: dict[str, Any] = {"sqlite_strict": True}
CLUSTERED: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}


def _text_key(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, primary_key=True)


def _key(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, primary_key=True, autoincrement=False)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False)


def upgrade() -> None:
    for name in ("movements_to", "generation"):
        op.add_column("positions", sa.Column(name, WHOLE, nullable=False, server_default="0"))
    op.create_table(
        "movements",
        _text_key("currency"),
        *map(_key, ("day", "sequence", "part")),
        *map(_whole, ("payer", "payee", "amount", "occurred_at")),
        **CLUSTERED,
    )
    op.create_table("changed_days", _text_key("currency"), _key("day"), _whole("sequence"), **CLUSTERED)
    op.create_table(
        "cells",
        *map(_text_key, ("currency", "territory", "kind")),
        _key("first"),
        _whole("past"),
        *map(_text, ("formulas", "figures", "timeline")),
        _whole("sequence"),
        _text("hash"),
        sa.Column("recorded_at", WHOLE),
        **STRICT,
    )


def downgrade() -> None:
    for table in ("cells", "changed_days", "movements"):
        op.drop_table(table)
    for name in ("generation", "movements_to"):
        op.drop_column("positions", name)
