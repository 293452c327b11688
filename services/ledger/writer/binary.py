"""Arrays as parameters, in PostgreSQL's binary form.

psycopg makes the same of lists, value by value, in several times the time; here the layout is known
beforehand. Source: PostgreSQL's documentation of its protocol; an array is its dimensions, flags, element's
type, length and lower bound, and then each value after its length.
"""

from collections.abc import Iterable, Sequence
from struct import Struct, pack

from psycopg.adapt import Dumper
from psycopg.pq import Format

from services.ledger.columns import to_bytes

_BYTEA, _BIGINT, _TEXT, _UUID = 17, 20, 25, 2950
_NULL = pack("!i", -1)

_length = Struct("!i").pack


class BinaryArray(bytes):
    """An array as PostgreSQL takes it in binary form."""


class BinaryArrayDumper(Dumper):
    """Hands a `BinaryArray` on as it is. Its type is that of the cast which it stands under."""

    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> bytes:
        return obj


def bigints(values: Sequence[int | None]) -> BinaryArray:
    """bigint[]"""
    if None in values:
        return _array(_BIGINT, [None if value is None else pack("!q", value) for value in values])
    flat: list[int | None] = [8] * (2 * len(values))
    flat[1::2] = values
    return BinaryArray(_start(_BIGINT, len(values), has_null=False) + pack("!" + "iq" * len(values), *flat))


def byteas(values: Sequence[bytes]) -> BinaryArray:
    """bytea[]"""
    return _array(_BYTEA, values)


def texts(values: Iterable[str]) -> BinaryArray:
    """text[]"""
    return _array(_TEXT, [value.encode() for value in values])


def uuids(values: Iterable[str]) -> BinaryArray:
    """uuid[]"""
    return _array(_UUID, [to_bytes(value) for value in values])


def _array(type: int, values: Sequence[bytes | None]) -> BinaryArray:
    made = [_start(type, len(values), has_null=None in values)]
    for value in values:
        made += (_NULL,) if value is None else (_length(len(value)), value)
    return BinaryArray(b"".join(made))


def _start(type: int, length: int, *, has_null: bool) -> bytes:
    if not length:
        return pack("!iii", 0, 0, type)
    return pack("!iiiii", 1, has_null, type, length, 1)
