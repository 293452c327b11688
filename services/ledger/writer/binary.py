"""What a batch writes, in PostgreSQL's binary forms: arrays as parameters, rows for COPY.

psycopg makes the same of lists and rows, value by value, in several times the time; here the layout of each
is known beforehand. Source: PostgreSQL's documentation of COPY ("Binary Format") and of its protocol; an
array is its dimensions, flags, element's type, length and lower bound, and then each value after its length.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct, pack
from typing import TypeVar

from psycopg.adapt import Dumper
from psycopg.pq import Format

from services.ledger.columns import to_bytes
from services.ledger.writer.packing import pack as packed
from services.ledger.writer.store import Batch, Line

Row = TypeVar("Row")

ROWS_A_PIECE = 200
"""How many rows of COPY are sent at once: the server takes them while the next ones are made."""

COPY_START = b"PGCOPY\n\xff\r\n\x00" + pack("!ii", 0, 0)
COPY_END = pack("!h", -1)

_BYTEA, _BIGINT, _TEXT, _UUID = 17, 20, 25, 2950
_NULL = pack("!i", -1)

_length = Struct("!i").pack
_eight_bytes = Struct("!iq").pack
_journal_start = Struct("!hiqiqiqi16si").pack
_journal_end = Struct("!i32si32s").pack
_plain_entry = Struct("!hiqiqiqiqii").pack
_entry_start = Struct("!hiqiqiqiq").pack


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


def journal_rows(batch: Batch) -> Iterator[bytes]:
    """The columns of `rows.JOURNAL`, for COPY, in pieces."""
    yield COPY_START
    for records in _pieces(batch.records):
        made: list[bytes] = []
        for r in records:
            payload = packed(r)
            made += (
                _journal_start(
                    *(8, 8, r.partition, 8, r.sequence, 8, r.recorded_at),
                    *(16, to_bytes(r.command), len(r.header)),
                ),
                r.header,
                _length(len(payload)),
                payload,
                _journal_end(len(r.salt), r.salt, len(r.hash), r.hash),
            )
        yield b"".join(made)
    yield COPY_END


def entry_rows(batch: Batch) -> Iterator[bytes]:
    """The columns of `rows.ENTRIES`, for COPY, in pieces."""
    yield COPY_START
    for lines in _pieces(batch.lines):
        yield b"".join([_entry_row(line) for line in lines])
    yield COPY_END


def _entry_row(line: Line) -> bytes:
    account, sequence, amount, balance, total, bucket = line
    if total is None and not bucket:
        return _plain_entry(6, 8, account, 8, sequence, 8, amount, 8, balance, -1, 0)
    start = _entry_start(6, 8, account, 8, sequence, 8, amount, 8, balance)
    text = bucket.encode()
    return start + (_NULL if total is None else _eight_bytes(8, total)) + _length(len(text)) + text


def _array(type: int, values: Sequence[bytes | None]) -> BinaryArray:
    made = [_start(type, len(values), has_null=None in values)]
    for value in values:
        made += (_NULL,) if value is None else (_length(len(value)), value)
    return BinaryArray(b"".join(made))


def _start(type: int, length: int, *, has_null: bool) -> bytes:
    if not length:
        return pack("!iii", 0, 0, type)
    return pack("!iiiii", 1, has_null, type, length, 1)


def _pieces(listed: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(listed), ROWS_A_PIECE):
        yield listed[start : start + ROWS_A_PIECE]
