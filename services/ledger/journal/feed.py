"""The journal as consumers get it: records as CloudEvents, put together from the stored bytes.

The text of an event is that of `shared.contracts.journal.to_cloud_event`, to the byte; but a payload is
already JSON as it stands in the journal, so it is neither decoded nor encoded again.
"""

from functools import lru_cache
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from services.ledger.journal.reader import hash_at
from services.ledger.kernel.record import GENESIS, HEADER_VERSION
from services.ledger.tables import journal
from services.ledger.writer.packing import unpack
from shared.contracts import clock
from shared.contracts.journal import TYPE_PREFIX, subject_of

_QUERY = select(journal.c.sequence, journal.c.header, journal.c.payload, journal.c.hash)
_NO_PAYLOAD = b"{}"

_header = msgspec.json.Decoder(tuple[int, int, str, int, str, int, int]).decode
_payload = msgspec.json.Decoder(dict[str, object]).decode
_is_json = msgspec.json.Decoder(msgspec.Raw).decode
_text = msgspec.json.Encoder().encode

# Records that were decided together have the same time, and most payments occur when they are recorded.
_time = lru_cache(maxsize=1024)(clock.to_text)


class Event(NamedTuple):
    """A record: its number, the timeline in which it was written, and its CloudEvent as JSON."""

    sequence: int
    timeline: str
    json: bytes


def events_after(connection: Connection, partition: int, sequence: int, limit: int) -> list[Event]:
    """At most `limit` records that follow a sequence number, in order.

    Raises ValueError or MsgspecError where stored bytes are no record; hashes are not checked here.
    """
    found = connection.execute(
        _QUERY.where(journal.c.partition == partition, journal.c.sequence > sequence)
        .order_by(journal.c.sequence)
        .limit(limit)
    ).all()
    if not found:
        return []
    # Sequence numbers have no gaps, so each row's predecessor is the one before it.
    before = hash_at(connection, partition, found[0].sequence - 1) or GENESIS
    events = []
    for number, header, payload, hash in found:
        events.append(_event(number, bytes(header), bytes(payload), before, hash))
        before = hash
    return events


def _event(sequence: int, header: bytes, stored: bytes, before: bytes, hash: bytes) -> Event:
    version, partition, timeline, _, type, recorded_at, occurred_at = _header(header)
    if version != HEADER_VERSION:
        raise ValueError(f"no header of version {HEADER_VERSION}: {header[:80]!r}")
    payload = unpack(stored)
    # A payload that was packed names nothing but ids and the code of a currency.
    subject = _subject_of_payment(payload) if payload is not stored else _subject(payload, sequence)
    rest = b"}" if payload == _NO_PAYLOAD else b"," + payload[1:]
    text = (
        f'{{"specversion":"1.0","id":"{timeline}:{sequence}","source":"/medtown/ledger/{partition}",'
        f'"type":"{TYPE_PREFIX}{type}.v1","subject":{subject},"time":"{_time(recorded_at)}",'
        f'"datacontenttype":"application/json","sequence":"{sequence:020d}","timeline":"{timeline}",'
        f'"prevhash":"{before.hex()}","hash":"{hash.hex()}","data":{{"occurred_at":"{_time(occurred_at)}"'
    )
    return Event(sequence, timeline, text.encode() + rest + b"}")


def _subject(payload: bytes, sequence: int) -> str:
    return _text(subject_of(_payload(payload), sequence)).decode()


def _subject_of_payment(payload: bytes) -> str:
    """The transfer's id as it stands in the payload of a plain payment, in its quotes."""
    # Stored bytes that were damaged may unpack to anything.
    _is_json(payload)
    start = payload.rindex(b'"id":') + 5
    return payload[start : payload.index(b",", start)].decode()
