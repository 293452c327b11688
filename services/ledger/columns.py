"""Column types of the ledger's tables."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import UUID as PostgresUuid
from sqlalchemy.types import TypeDecorator

from shared.contracts.ids import is_id

Number = BigInteger().with_variant(Integer, "sqlite")
"""An integer key; SQLite makes its row id of it only under the name INTEGER."""


class Identifier(TypeDecorator[str]):
    """An id in its canonical text, kept in 16 bytes: PostgreSQL's uuid, a blob in SQLite.

    Any other text, such as the name of a service that asks, is equal to no id.
    """

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(PostgresUuid(as_uuid=False))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None or not is_id(value):
            return None
        return value if dialect.name == "postgresql" else to_bytes(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return str(value) if dialect.name == "postgresql" else to_text(value)


def to_bytes(id: str) -> bytes:
    """The 16 bytes of an id."""
    return bytes.fromhex(id.replace("-", ""))


def to_text(raw: bytes) -> str:
    """The canonical text of an id's 16 bytes."""
    return str(UUID(bytes=raw))
