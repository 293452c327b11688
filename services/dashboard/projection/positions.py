"""How far the projection has come in each partition, and whether records go on from there."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select, update

from services.dashboard.projection import tables
from services.dashboard.projection.rows import put
from shared.contracts.journal import BEGINNING, JournalRecord, Position

_COLUMNS = tables.positions.c


@dataclass(frozen=True, slots=True)
class Progress:
    """`recorded_at` of the last record applied, None before the first; `stalled`: why the next cannot be
    applied. `movements_to` and `generation` as in the table.
    """

    position: Position
    recorded_at: int | None = None
    stalled: str | None = None
    movements_to: int = 0
    generation: int = 0

    @property
    def lacks_movements(self) -> bool:
        """Whether records were applied by code that kept no movements."""
        return self.movements_to != self.position.sequence


def load(connection: Connection, partition: int) -> Progress:
    """The progress in a partition, the beginning where there is none."""
    row = connection.execute(select(tables.positions).where(_COLUMNS.partition == partition)).one_or_none()
    return Progress(BEGINNING) if row is None else _progress(row)


def lock(connection: Connection, partition: int) -> Progress:
    """As `load`; whoever else asks for this lock waits for the end of the transaction."""
    start = (partition, BEGINNING.timeline, BEGINNING.sequence, BEGINNING.hash)
    columns = ("partition", "timeline", "sequence", "hash")
    query = select(tables.positions).where(_COLUMNS.partition == partition).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        put(connection, tables.positions, columns, [start], key=("partition",))
        row = connection.execute(query).one()
    return _progress(row)


def save(connection: Connection, last: JournalRecord) -> None:
    """The record is the last that was applied."""
    connection.execute(
        update(tables.positions)
        .where(_COLUMNS.partition == last.partition)
        .values(
            timeline=last.timeline,
            sequence=last.sequence,
            hash=last.hash,
            recorded_at=last.recorded_at,
            movements_to=last.sequence,
            stalled=None,
        )
    )


def stall(connection: Connection, partition: int, reason: str | None) -> None:
    """The record after the position cannot be applied, for this reason; None: there is no such record."""
    connection.execute(update(tables.positions).where(_COLUMNS.partition == partition).values(stalled=reason))


def reset(connection: Connection) -> None:
    """All partitions are at their beginning again."""
    connection.execute(select(tables.positions).with_for_update()).all()
    connection.execute(
        update(tables.positions).values(
            timeline=BEGINNING.timeline,
            sequence=BEGINNING.sequence,
            hash=BEGINNING.hash,
            recorded_at=None,
            stalled=None,
            movements_to=BEGINNING.sequence,
            generation=_COLUMNS.generation + 1,
        )
    )


def continuing(position: Position, records: Sequence[JournalRecord]) -> tuple[list[JournalRecord], bool]:
    """Those of the records that go on from the position, link by link, and whether none had to be left out
    after them.

    Records of the position's own timeline that it has passed are left aside.
    """
    taken: list[JournalRecord] = []
    timeline, sequence, last_hash = position.timeline, position.sequence, position.hash
    for record in records:
        if record.sequence <= sequence and record.timeline == timeline:
            continue
        if record.sequence != sequence + 1 or record.prev_hash != last_hash:
            return taken, False
        taken.append(record)
        timeline, sequence, last_hash = record.timeline, record.sequence, record.hash
    return taken, True


def _progress(row: "Row[tuple[object, ...]]") -> Progress:
    position = Position(row.timeline, row.sequence, row.hash)
    return Progress(position, row.recorded_at, row.stalled, row.movements_to, row.generation)
