"""Whether a movement is a transfer of its own, or a fee, a refund, or what else only moves units.

Until now there were no refunds, and fees had no payer: all that was kept stays as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("movements", sa.Column("paid", WHOLE, nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("movements", "paid")
