"""The tables of documents. What is deleted stays as a row, without its file."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from shared.outbox.table import outbox_table

metadata = MetaData()

documents = Table(
    "documents",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("owner", String(36), nullable=False),
    Column("title", String(200), nullable=False),
    Column("description", Text, nullable=False),
    # One a line: a tag has no line end.
    Column("tags", Text, nullable=False),
    Column("language", String(35), nullable=False),
    Column("access", String(20), nullable=False),
    Column("latest", Integer, nullable=False),
    Column("search_text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("deleted_by", String(36)),
    Index("documents_listed", "created_at", "id"),
)

versions = Table(
    "versions",
    metadata,
    # Also the key of its file.
    Column("id", String(36), primary_key=True),
    Column("document", String(36), ForeignKey("documents.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("parent", Integer),
    Column("file_name", String(255), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("note", String(500), nullable=False),
    Column("created_by", String(36), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("file_removed_at", BigInteger),
    UniqueConstraint("document", "number", name="versions_numbered"),
)

outbox = outbox_table(metadata)
