"""The ledger's journal as consumers see it: records, positions, and their CloudEvents form.

Every record carries the accounts that it opens and the entries that it books, so that a reader which does
not know its type can still apply it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from shared.contracts import clock

CURRENCY_CREATED = "currency.created"
ACCOUNT_OPENED = "account.opened"
TRANSFER_POSTED = "transfer.posted"
TRANSFER_RESERVED = "transfer.reserved"
TRANSFER_VOIDED = "transfer.voided"
TRANSFERS_LINKED = "transfers.linked"
REVERSAL_PROPOSED = "reversal.proposed"
CORRECTION_PROPOSED = "correction.proposed"
CHARTER_PROPOSED = "charter.proposed"
CHARTER_ADOPTED = "charter.adopted"
PROPOSAL_REJECTED = "proposal.rejected"
SCHEDULE_CREATED = "schedule.created"
SCHEDULE_CANCELLED = "schedule.cancelled"
SCHEDULE_FAILED = "schedule.failed"
SCHEDULE_SKIPPED = "schedule.skipped"
ACCOUNT_CHANGED = "account.changed"
ACCOUNT_FROZEN = "account.frozen"
ACCOUNT_UNFROZEN = "account.unfrozen"
ACCOUNT_CLOSED = "account.closed"
ACCOUNT_SETTLED = "account.settled"
TIMELINE_BEGUN = "timeline.begun"

TYPE_PREFIX = "org.medtown.ledger."
MAX_RECORDS_PER_BATCH = 500
"""How many records a message on the bus, or an answer of `journal_since`, carries at most."""

MAX_BATCH_BYTES = 8 * 1024 * 1024
"""How large a batch may be on the bus; what is larger is passed over, and pulled from the journal."""

GENESIS_HASH = "0" * 64
"""What the first record of a partition names as its predecessor's hash."""


class Position(msgspec.Struct, frozen=True):
    """How far a consumer has come: the last record applied. Sequence 0 with the genesis hash is the
    beginning.
    """

    timeline: str
    sequence: int
    hash: str


BEGINNING = Position(timeline="", sequence=0, hash=GENESIS_HASH)


class JournalRecord(msgspec.Struct, frozen=True):
    """One accepted command.

    `recorded_at` and `occurred_at` are Unix microseconds. `payload` has, by type, `currency`, `transfer`,
    and always `accounts` (list of accounts opened: id, currency, kind, holder, floor, ceiling, territory,
    category, terms) and `entries` (list of `[account id, bucket, amount, balance of the bucket after]`,
    amounts in minor units, sum zero); where there are any, `changes` (list of `[account id, fields with their
    new values]`), `sets` (list of `[kind, id, owner, due_at, body]` of what else is remembered; without a
    body it is forgotten) and `settled` (what time had done to the accounts: `expired`, `lapsed`). `hash` and
    `prev_hash` are hexadecimal.
    """

    partition: int
    timeline: str
    sequence: int
    type: str
    recorded_at: int
    occurred_at: int
    prev_hash: str
    hash: str
    payload: dict[str, Any]

    @property
    def position(self) -> Position:
        return Position(self.timeline, self.sequence, self.hash)


def subject_of(payload: Mapping[str, Any], sequence: int) -> str:
    """What a record is about: its transfer, its currency or the first account that it opens, else itself."""
    subject = payload.get("transfer") or payload.get("currency") or (payload["accounts"] or [{}])[0]
    return str(subject.get("id") or subject.get("code") or sequence)


def to_cloud_event(record: JournalRecord) -> dict[str, Any]:
    """The record as a CloudEvents 1.0 object."""
    return {
        "specversion": "1.0",
        "id": f"{record.timeline}:{record.sequence}",
        "source": f"/medtown/ledger/{record.partition}",
        "type": f"{TYPE_PREFIX}{record.type}.v1",
        "subject": subject_of(record.payload, record.sequence),
        "time": clock.to_text(record.recorded_at),
        "datacontenttype": "application/json",
        "sequence": f"{record.sequence:020d}",
        "timeline": record.timeline,
        "prevhash": record.prev_hash,
        "hash": record.hash,
        "data": {"occurred_at": clock.to_text(record.occurred_at), **record.payload},
    }


class _Event(msgspec.Struct):
    """What is read of a record's CloudEvent; the rest says the same in other words."""

    source: str
    type: str
    time: str
    sequence: str
    timeline: str
    prevhash: str
    hash: str
    data: dict[str, Any]

    def to_record(self) -> JournalRecord:
        payload = self.data
        occurred_at = _from_text(payload.pop("occurred_at"))
        return JournalRecord(
            int(self.source.rpartition("/")[2]),
            self.timeline,
            int(self.sequence),
            self.type.removeprefix(TYPE_PREFIX).removesuffix(".v1"),
            _from_text(self.time),
            occurred_at,
            self.prevhash,
            self.hash,
            payload,
        )


_decode_events = msgspec.json.Decoder(list[_Event]).decode

# Many records have the same time, and most payments occur when they are recorded.
_from_text = lru_cache(maxsize=1024)(clock.from_text)


def from_cloud_event(event: Mapping[str, Any]) -> JournalRecord:
    """What `to_cloud_event` wrote; raises KeyError or ValueError on anything else."""
    payload = dict(event["data"])
    occurred_at = _from_text(payload.pop("occurred_at"))
    return JournalRecord(
        partition=int(event["source"].rsplit("/", 1)[1]),
        timeline=event["timeline"],
        sequence=int(event["sequence"]),
        type=event["type"].removeprefix(TYPE_PREFIX).removesuffix(".v1"),
        recorded_at=_from_text(event["time"]),
        occurred_at=occurred_at,
        prev_hash=event["prevhash"],
        hash=event["hash"],
        payload=payload,
    )


def encode_batch(records: Sequence[JournalRecord]) -> bytes:
    """A CloudEvents batch (content type `application/cloudevents-batch+json`)."""
    return msgspec.json.encode([to_cloud_event(record) for record in records])


def join_batch(events: Sequence[bytes]) -> bytes:
    """As `encode_batch`, of events that are JSON already."""
    return b"[" + b",".join(events) + b"]"


def decode_batch(body: bytes) -> list[JournalRecord]:
    """What `encode_batch` wrote. Raises ValueError beyond MAX_BATCH_BYTES, and much else on anything else."""
    if len(body) > MAX_BATCH_BYTES:
        raise ValueError(f"{len(body)} bytes are more than {MAX_BATCH_BYTES}")
    return [event.to_record() for event in _decode_events(body)]
