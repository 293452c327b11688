"""Timelines: a journal that is restored from a copy goes on in a new one, so that no record of before, which
the copy has not, can be taken for one of after.

The first record of a timeline says which one it follows; no other record may change the timeline.
"""

from services.ledger.kernel.record import SALT_BYTES, Record, seal
from services.ledger.kernel.state import Header
from shared.contracts.journal import TIMELINE_BEGUN


def begin(header: Header, *, timeline: str, command: str, principal: str, now: int, salt: bytes) -> Record:
    """The record that begins a timeline after the last record. `now` is Unix microseconds; the record's time
    is never before its predecessor's.
    """
    assert len(salt) == SALT_BYTES
    now = max(now, header.recorded_at)
    return seal(
        partition=header.partition,
        timeline=timeline,
        sequence=header.sequence + 1,
        prev_hash=header.hash,
        type=TIMELINE_BEGUN,
        recorded_at=now,
        occurred_at=now,
        command=command,
        payload={
            "accounts": [],
            "command": command,
            "entries": [],
            "principal": principal,
            "timeline": {"before": header.timeline, "id": timeline},
        },
        salt=salt,
    )


def continues(timeline: str, record: Record) -> bool:
    """Whether a record may follow in a journal of this timeline: it is of the same one, or begins another."""
    if record.moved is not None:
        return record.timeline == timeline
    begun = record.payload.get("timeline")
    if record.type == TIMELINE_BEGUN:
        return begun == {"before": timeline, "id": record.timeline} and record.timeline != timeline
    return begun is None and record.timeline == timeline
