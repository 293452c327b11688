"""What queries need and no command does, read from the journal by a job: entries told late, and who may
operate whose account.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select, text, update

from services.ledger.accounts.event_time import read_until
from services.ledger.kernel.calendar import DAY_US
from services.ledger.resources import Resources
from services.ledger.tables import accounts, delegations, journal, late_entries, reading_cursors
from services.ledger.writer.packing import unpack

RECORDS_PER_STEP = 2000

_ADD_DAY = text(
    "INSERT INTO late_days (account, occurred_on, recorded_on, amount) "
    "VALUES (:account, :occurred_on, :recorded_on, :amount) "
    "ON CONFLICT (account, occurred_on, recorded_on) "
    "DO UPDATE SET amount = late_days.amount + excluded.amount"
)


class OvertakenError(Exception):
    """Another process has read on in the meantime; nothing was kept."""


class _Late(NamedTuple):
    account: str
    occurred_at: int
    recorded_at: int
    sequence: int
    amount: int


class _Header(NamedTuple):
    sequence: int
    type: str
    recorded_at: int
    occurred_at: int

    @property
    def is_late(self) -> bool:
        return self.occurred_at < self.recorded_at

    @property
    def is_of_account(self) -> bool:
        return self.type.startswith("account.")


def follow(ledger: Resources) -> bool:
    """Read at most 2,000 records on; says whether more may be waiting. Raises OvertakenError."""
    partition = ledger.partition
    with ledger.database.read() as connection:
        since = read_until(connection, partition)
        found = connection.execute(
            select(journal.c.sequence, journal.c.header)
            .where(journal.c.partition == partition, journal.c.sequence > since)
            .order_by(journal.c.sequence)
            .limit(RECORDS_PER_STEP)
        ).all()
        telling = [_Header(sequence, *msgspec.json.decode(header)[4:7]) for sequence, header in found]
        telling = [header for header in telling if header.is_late or header.is_of_account]
        payloads = _payloads(connection, partition, telling)
    if not found:
        return False
    late: list[_Late] = []
    delegates: dict[str, list[str]] = {}
    for header in telling:
        payload = msgspec.json.decode(unpack(payloads[header.sequence]))
        if header.is_late:
            late += _late(header.sequence, header.recorded_at, header.occurred_at, payload["entries"])
        if header.is_of_account:
            delegates.update(_delegates(payload))
    with ledger.database.write() as connection:
        _move_cursor(connection, partition, since, found[-1].sequence)
        numbers = _numbers(connection, {*(line.account for line in late), *delegates})
        _keep_late(connection, late, numbers)
        _keep_delegates(connection, delegates, numbers)
    return len(found) == RECORDS_PER_STEP


def _payloads(connection: Connection, partition: int, headers: list[_Header]) -> dict[int, bytes]:
    """The payloads of some records, which are few among the many that are looked through."""
    wanted = [header.sequence for header in headers]
    if not wanted:
        return {}
    rows = connection.execute(
        select(journal.c.sequence, journal.c.payload).where(
            journal.c.partition == partition, journal.c.sequence.in_(wanted)
        )
    )
    return {row.sequence: bytes(row.payload) for row in rows}


def _late(sequence: int, recorded_at: int, occurred_at: int, lines: Iterable[list[Any]]) -> Iterator[_Late]:
    """What each account gained or lost by a record, its buckets summed."""
    sums: dict[str, int] = {}
    for account, _bucket, amount, _after in lines:
        sums[account] = sums.get(account, 0) + amount
    for account, amount in sums.items():
        if amount:
            yield _Late(account, occurred_at, recorded_at, sequence, amount)


def _delegates(payload: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The accounts whose terms a record changes, with all who may operate them from now on."""
    for account, fields in payload.get("changes", ()):
        if "terms" in fields:
            yield account, sorted(fields["terms"].get("delegates", {}))


def _move_cursor(connection: Connection, partition: int, before: int, sequence: int) -> None:
    """Note how far the journal has been read, in the transaction that keeps what was read."""
    if before == 0:
        connection.execute(insert(reading_cursors).values(partition=partition, sequence=sequence))
        return
    moved = connection.execute(
        update(reading_cursors)
        .where(reading_cursors.c.partition == partition, reading_cursors.c.sequence == before)
        .values(sequence=sequence)
    )
    if moved.rowcount != 1:
        raise OvertakenError


def _numbers(connection: Connection, ids: set[str]) -> dict[str, int]:
    found = connection.execute(select(accounts.c.id, accounts.c.number).where(accounts.c.id.in_(ids)))
    return {row.id: row.number for row in found} if ids else {}


def _keep_late(connection: Connection, late: list[_Late], numbers: dict[str, int]) -> None:
    if not late:
        return
    connection.execute(
        insert(late_entries), [{**line._asdict(), "account": numbers[line.account]} for line in late]
    )
    days: dict[tuple[int, int, int], int] = {}
    for line in late:
        key = (numbers[line.account], line.occurred_at // DAY_US, line.recorded_at // DAY_US)
        days[key] = days.get(key, 0) + line.amount
    names = ("account", "occurred_on", "recorded_on")
    connection.execute(
        _ADD_DAY,
        [{**dict(zip(names, key, strict=True)), "amount": amount} for key, amount in sorted(days.items())],
    )


def _keep_delegates(connection: Connection, delegates: dict[str, list[str]], numbers: dict[str, int]) -> None:
    if not delegates:
        return
    changed = [numbers[account] for account in delegates]
    connection.execute(delete(delegations).where(delegations.c.account.in_(changed)))
    given = [
        {"subject": subject, "account": numbers[account]}
        for account, subjects in delegates.items()
        for subject in subjects
    ]
    if given:
        connection.execute(insert(delegations), given)
