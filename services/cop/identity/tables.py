"""Identity's tables. Personal data stands in `people` alone."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from shared.contracts.identity import EMAIL_MAX_LENGTH
from shared.outbox.table import outbox_table

metadata = MetaData()

SEARCH_NAME_LENGTH = 200
"""Two for each character of a name, of which some become more than one in small letters."""

people = Table(
    "people",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("name", String(100), nullable=False),
    Column("search_name", String(SEARCH_NAME_LENGTH), nullable=False),
    Column("email", String(EMAIL_MAX_LENGTH), unique=True),
    Column("password_hash", String(200)),
    Column("roles", String(100), nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("locale", String(5), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("people_listed", "listed", "search_name"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("secret_hash", LargeBinary(32), primary_key=True),
    Column("person", String(36), ForeignKey("people.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("email_hash", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_failed_at", BigInteger, nullable=False),
)

outbox = outbox_table(metadata)
