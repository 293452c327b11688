"""Keeping the projection at the journal's end.

Nothing depends on a message: what goes on from the position is applied, anything else makes us pull from the
ledger. A record that cannot be applied is never skipped: everything before it is kept, the partition is
marked as stalled, and the periodic job tries again after growing pauses. A position that the journal does not
know (it was restored from an older copy) means that the whole projection is discarded and built again.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from services.dashboard.metrics import (
    PROJECTION_DIVERGED,
    PROJECTION_FOREIGN,
    PROJECTION_LAG,
    PROJECTION_RECORDS,
    PROJECTION_STALLED,
)
from services.dashboard.projection import positions, tables
from services.dashboard.projection.apply import apply
from services.dashboard.projection.facts import Unappliable
from services.dashboard.projection.positions import Progress
from services.dashboard.resources import Resources
from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.contracts.journal import (
    BEGINNING,
    MAX_RECORDS_PER_BATCH,
    JournalRecord,
    Position,
    from_cloud_event,
)
from shared.contracts.ledger import AUDIENCE as LEDGER_AUDIENCE
from shared.contracts.ledger import SERVICE as LEDGER
from shared.observability.logs import get_logger

log = get_logger(__name__)

UNREADABLE = "unreadable"
BROKEN_CHAIN = "broken-chain"
OUT_OF_RANGE = "out-of-range"


class ProjectionStalled(Exception):
    """The next record of a partition cannot be applied."""

    def __init__(self, partition: int, sequence: int, reason: str) -> None:
        super().__init__(f"partition {partition} stands before record {sequence}: {reason}")


def receive(resources: Resources, records: Sequence[JournalRecord]) -> None:
    """Take a batch of the bus: records of one partition, in order, perhaps old, perhaps after a gap.

    Raises whatever keeps the ledger from being asked; the periodic job heals what is left undone then.
    """
    if not records:
        return
    partition = records[0].partition
    with resources.projecting:
        with resources.database.read() as connection:
            progress = positions.load(connection, partition)
        if progress.stalled is not None:
            return
        if progress.lacks_movements:
            # The job builds the projection again; nothing goes on from here.
            return
        fresh, complete = positions.continuing(progress.position, records)
        if fresh:
            _project(resources, partition, fresh)
        if not complete:
            _count_foreign(partition, fresh[-1].position if fresh else progress.position, records)
            while _pull(resources, partition):
                pass


def _count_foreign(partition: int, position: Position, records: Sequence[JournalRecord]) -> None:
    """Count a batch that is none of our journal's: forged, or of another timeline. A gap is no such thing."""
    following = (record for record in records if record.sequence == position.sequence + 1)
    if any(record.prev_hash != position.hash for record in following):
        PROJECTION_FOREIGN.labels(partition=partition).inc()
        log.error("journal_batch_foreign", partition=partition, after=position.sequence)


def catch_up(resources: Resources) -> bool:
    """Pull once from every partition; says whether more may be waiting. Raises ProjectionStalled."""
    more = False
    for partition in resources.partitions:
        more |= _catch_up(resources, partition)
    return more


class CatchUp:
    """The periodic job: `catch_up`, but for partitions that messages have moved on since the last step, which
    lack nothing: what they lack shows with the next message.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._seen: dict[int, Position] = {}

    def step(self) -> bool:
        """Says whether more may be waiting. Raises ProjectionStalled."""
        more = False
        for partition in self._resources.partitions:
            if not self._has_moved(partition):
                more |= _catch_up(self._resources, partition)
                self._has_moved(partition)
        return more

    def _has_moved(self, partition: int) -> bool:
        """Whether the position is another than when this was last asked."""
        before, progress = self._seen.get(partition, BEGINNING), _position(self._resources, partition)
        self._seen[partition] = progress.position
        return progress.position not in (before, BEGINNING) and progress.stalled is None


def _catch_up(resources: Resources, partition: int) -> bool:
    with resources.projecting:
        more = _pull(resources, partition)
        _raise_if_stalled(resources, partition)
    return more


def rebuild(resources: Resources, progress: Callable[[int], None] = lambda applied: None) -> int:
    """Empty the projection and fill it again from the journal; returns how many records that took.

    `progress` is told the number of records applied so far. Raises ProjectionStalled.
    """
    applied = 0
    with resources.projecting:
        discard(resources)
        for partition in resources.partitions:
            before = applied
            while _pull(resources, partition):
                applied = before + _position(resources, partition).position.sequence
                progress(applied)
            _raise_if_stalled(resources, partition)
    return applied


def discard(resources: Resources) -> None:
    """Empty all tables of the projection and go back to the journal's beginning, in one transaction."""
    with resources.database.write() as connection:
        positions.reset(connection)
        for table in tables.IN_ORDER_OF_REMOVAL:
            connection.execute(table.delete())


def _position(resources: Resources, partition: int) -> Progress:
    with resources.database.read() as connection:
        return positions.load(connection, partition)


def _raise_if_stalled(resources: Resources, partition: int) -> None:
    now = _position(resources, partition)
    if now.stalled is not None:
        raise ProjectionStalled(partition, now.position.sequence + 1, now.stalled)


def _pull(resources: Resources, partition: int) -> bool:
    """Ask the ledger for what follows the position, and apply it; says whether more may be waiting."""
    progress = _position(resources, partition)
    since = progress.position
    if progress.lacks_movements:
        log.warning("projection_lacks_movements", partition=partition, sequence=since.sequence)
        discard(resources)
        return True
    try:
        answer = resources.client.call(
            LEDGER,
            "journal_since",
            {
                "partition": partition,
                "timeline": since.timeline,
                "sequence": since.sequence,
                "hash": since.hash,
                "limit": MAX_RECORDS_PER_BATCH,
            },
            token=resources.tokens.token(LEDGER_AUDIENCE),
        )
    except Refusal as refusal:
        if refusal.slug != "diverged" or since == BEGINNING:
            raise
        log.error("projection_diverged", partition=partition, sequence=since.sequence, hash=since.hash)
        PROJECTION_DIVERGED.labels(partition=partition).inc()
        discard(resources)
        return True
    if not answer["records"]:
        PROJECTION_LAG.labels(partition=partition).set(0)
        if progress.stalled is not None:
            # What could not be applied came by the bus, and is none of the ledger's.
            PROJECTION_FOREIGN.labels(partition=partition).inc()
            _stall(resources, partition, since.hash, None)
        return False
    records, readable = _decode(answer["records"])
    fresh, unbroken = positions.continuing(since, records)
    if fresh:
        _project(resources, partition, fresh)
    if not unbroken or not readable:
        last = fresh[-1].hash if fresh else since.hash
        _stall(resources, partition, last, UNREADABLE if unbroken else BROKEN_CHAIN)
    return _position(resources, partition).stalled is None


def _decode(events: Sequence[dict[str, Any]]) -> tuple[list[JournalRecord], bool]:
    """The records up to the first that cannot be read, and whether all could."""
    records: list[JournalRecord] = []
    for event in events:
        try:
            records.append(from_cloud_event(event))
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            log.exception("record_unreadable", after=records[-1].sequence if records else None)
            return records, False
    return records, True


def _project(resources: Resources, partition: int, records: Sequence[JournalRecord]) -> None:
    """Apply records that follow each other, as far as they can be applied and are not applied yet."""
    try:
        _apply_in_transaction(resources, partition, records)
    except (DataError, IntegrityError, OverflowError):
        # A sum outgrew its column, or a rule of the tables was broken: halve until the record stands alone.
        if len(records) == 1:
            log.exception("record_refused_by_database", partition=partition, sequence=records[0].sequence)
            _stall(resources, partition, records[0].prev_hash, OUT_OF_RANGE)
            return
        half = len(records) // 2
        _project(resources, partition, records[:half])
        if _position(resources, partition).stalled is None:
            _project(resources, partition, records[half:])


def _apply_in_transaction(resources: Resources, partition: int, records: Sequence[JournalRecord]) -> None:
    with resources.database.write() as connection:
        # Another process may have moved on, or started anew, since the records were chosen.
        before = positions.lock(connection, partition)
        fresh, _ = positions.continuing(before.position, records)
        if not fresh or before.lacks_movements:
            return
        reason = None
        try:
            apply(connection, fresh)
        except Unappliable as fault:
            fresh, reason = [record for record in fresh if record.sequence < fault.sequence], fault.reason
            if fresh:
                apply(connection, fresh)
            positions.stall(connection, partition, reason)
    _report(partition, fresh, reason)


def _stall(resources: Resources, partition: int, last_hash: str, reason: str | None) -> None:
    """Mark the partition as stalled after the record with this hash, unless it stands elsewhere by now;
    without a reason, take the mark away.
    """
    with resources.database.write() as connection:
        now = positions.lock(connection, partition)
        if (reason is not None and now.stalled is not None) or now.position.hash != last_hash:
            return
        positions.stall(connection, partition, reason)
    _report(partition, [], reason)


def _report(partition: int, applied: Sequence[JournalRecord], reason: str | None) -> None:
    PROJECTION_STALLED.labels(partition=partition).set(0 if reason is None else 1)
    if applied:
        PROJECTION_RECORDS.labels(partition=partition).inc(len(applied))
        age = (clock.now_us() - applied[-1].recorded_at) / clock.MICROSECONDS
        PROJECTION_LAG.labels(partition=partition).set(max(age, 0.0))
    if reason is not None:
        log.error("projection_stalled", partition=partition, reason=reason)
