"""Groups are found whatever accents, vowel signs and variants of letters they are written with."""

import sqlalchemy as sa
from alembic import op

from shared.folding import folded

revision = "0002"
down_revision = "0001"

GROUPS = sa.table(
    "groups", *(sa.column(name) for name in ("id", "name", "description", "search_name", "search_text"))
)


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(GROUPS.c.id, GROUPS.c.name, GROUPS.c.description)).all():
        values = {
            "search_name": folded(row.name),
            "search_text": folded(f"{row.name} {row.description}"),
        }
        connection.execute(sa.update(GROUPS).where(GROUPS.c.id == row.id).values(values))


def downgrade() -> None:
    """The texts stay: the code before this one reads them as well."""
