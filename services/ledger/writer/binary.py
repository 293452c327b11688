"""Arrays as parameters, in PostgreSQL's binary form.

psycopg makes the same of lists, value by value, in several times the time; here the layout is known
beforehand. Source: PostgreSQL's documentation of its protocol; an array is its dimensions, flags, element's
type, length and lower bound, and then each value after its length.
"""

from collections.abc import Collection, Sequence
from struct import Struct, pack

from psycopg.adapt import Dumper
from psycopg.pq import Format

from services.ledger.columns import to_bytes

_BYTEA, _BIGINT, _TEXT, _UUID = 17, 20, 25, 2950
_NULL = pack("!i", -1)
_UUID_LENGTH = "00000010"

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
        if not any(value is not None for value in values):
            return _array_of(_BIGINT, len(values), _NULL * len(values), has_null=True)
        return _array(_BIGINT, [None if value is None else pack("!q", value) for value in values])
    flat: list[int | None] = [8] * (2 * len(values))
    flat[1::2] = values
    return _array_of(_BIGINT, len(values), pack("!" + "iq" * len(values), *flat))


def byteas(values: Sequence[bytes]) -> BinaryArray:
    """bytea[]"""
    return _array(_BYTEA, values)


def texts(values: Sequence[str]) -> BinaryArray:
    """text[]"""
    if not any(values):
        return _array_of(_TEXT, len(values), _length(0) * len(values))
    return _array(_TEXT, [value.encode() for value in values])


def uuids(values: Collection[str]) -> BinaryArray:
    """uuid[]"""
    # All of them at once, with the length of each before it.
    return _array_of(_UUID, len(values), to_bytes("".join([f"{_UUID_LENGTH}{value}" for value in values])))


def _array(type: int, values: Sequence[bytes | None]) -> BinaryArray:
    made: list[bytes] = []
    for value in values:
        made += (_NULL,) if value is None else (_length(len(value)), value)
    return _array_of(type, len(values), b"".join(made), has_null=None in values)


def _array_of(type: int, length: int, values: bytes, *, has_null: bool = False) -> BinaryArray:
    start = pack("!iiiii", 1, has_null, type, length, 1) if length else pack("!iii", 0, 0, type)
    return BinaryArray(start + values)
