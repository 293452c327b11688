"""Everything that the ledger claims, computed again from the journal alone.

Record by record: the sequence has no gap, the chain's hashes are right, times of recording never decrease,
the entries of a record sum to zero in each currency, every entry says the balance that really follows, and
no account leaves its limits. At the end: entries, balances, accounts, currencies and the partition's own row
are what the journal leads to.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from services.ledger.journal.reader import records_after
from services.ledger.kernel.record import GENESIS, Record, chain, note_hash
from services.ledger.kernel.state import PLAIN, partition_of_account
from services.ledger.tables import accounts, balances, entries, partitions
from shared.db.engine import Database

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified. `fault` names the first thing that is wrong; None where everything is right."""

    partition: int
    records: int
    accounts: int
    entries: int
    sums: dict[str, int] = field(default_factory=dict)
    last_hash: str = ""
    fault: str | None = None

    @property
    def sound(self) -> bool:
        return self.fault is None

    def to_json(self) -> dict[str, Any]:
        return {
            "sound": self.sound,
            "partition": self.partition,
            "records": self.records,
            "accounts": self.accounts,
            "entries": self.entries,
            "sums": self.sums,
            "last_hash": self.last_hash,
            "fault": self.fault,
        }

    def __str__(self) -> str:
        counted = f"{self.records:,} records, {self.accounts:,} accounts, {self.entries:,} entries"
        if self.fault is not None:
            return f"FAULT: {self.fault} ({counted} were read)"
        return f"sound: {counted}; every currency sums to zero; last hash {self.last_hash}"


class Fault(Exception):
    """The first thing that is wrong."""


@dataclass(slots=True)
class _Account:
    number: int
    currency: str
    floor: int
    ceiling: int
    buckets: dict[str, int] = field(default_factory=dict)
    lines: int = 0


def verify(database: Database, partition: int, progress: Callable[[int], None] = lambda done: None) -> Report:
    """Verify a partition as it is at one moment; `progress` is told how many records have been checked."""
    check = _Check(partition)
    with database.read() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        try:
            check.run(connection, progress)
        except Fault as fault:
            return check.report(str(fault))
    return check.report(None)


class _Check:
    """What the journal has led to so far."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._accounts: dict[str, _Account] = {}
        self._sequence = 0
        self._hash = GENESIS
        self._recorded_at = 0
        self._entries = 0
        self._sums: dict[str, int] = defaultdict(int)

    def report(self, fault: str | None) -> Report:
        return Report(
            partition=self._partition,
            records=self._sequence,
            accounts=len(self._accounts),
            entries=self._entries,
            sums=dict(self._sums),
            last_hash=self._hash.hex(),
            fault=fault,
        )

    def run(self, connection: Connection, progress: Callable[[int], None]) -> None:
        """Raises Fault at the first thing that is wrong."""
        for record in self._records(connection):
            self._check_record(record)
            for account in record.payload["accounts"]:
                self._open(record, account)
            self._book(record)
            progress(record.sequence)
        self._check_partition(connection)
        self._check_accounts(connection)
        self._check_balances(connection)
        self._check_entries(connection)

    def _records(self, connection: Connection) -> Iterator[Record]:
        while True:
            try:
                page = records_after(connection, self._partition, self._sequence, PAGE)
            except (ValueError, KeyError) as error:
                raise Fault(f"a record after {self._sequence} cannot be read: {error}") from error
            if not page:
                return
            yield from page

    def _check_record(self, record: Record) -> None:
        name = f"record {record.sequence}"
        if record.sequence != self._sequence + 1:
            raise Fault(f"record {self._sequence + 1} is missing: {name} follows {self._sequence}")
        if record.partition != self._partition:
            raise Fault(f"{name} says that it belongs to partition {record.partition}")
        if record.hash != chain(self._hash, record.salt, record.header, record.body):
            raise Fault(f"{name} does not have the hash that its bytes and its predecessor lead to")
        if record.recorded_at < self._recorded_at:
            raise Fault(f"{name} was recorded before its predecessor")
        committed = record.payload.get("transfer", {}).get("note")
        if record.note is not None and note_hash(record.note) != committed:
            raise Fault(f"the note of {name} is not the one that the record commits to")
        self._sequence, self._hash, self._recorded_at = record.sequence, record.hash, record.recorded_at

    def _open(self, record: Record, account: dict[str, Any]) -> None:
        if account["id"] in self._accounts:
            raise Fault(f"record {record.sequence} opens account {account['id']} a second time")
        self._accounts[account["id"]] = _Account(
            -1, account["currency"], account["floor"], account["ceiling"], {PLAIN: 0}
        )

    def _book(self, record: Record) -> None:
        name = f"record {record.sequence}"
        sums: dict[str, int] = defaultdict(int)
        for account_id, bucket, amount, after in record.payload["entries"]:
            account = self._accounts.get(account_id)
            if account is None:
                raise Fault(f"{name} books on account {account_id}, which was never opened")
            balance = account.buckets.get(bucket, 0) + amount
            if balance != after:
                raise Fault(f"{name} says that account {account_id} has {after} afterwards; it has {balance}")
            account.buckets[bucket] = balance
            account.lines += 1
            self._entries += 1
            sums[account.currency] += amount
            total = sum(account.buckets.values())
            if not account.floor <= total <= account.ceiling:
                raise Fault(f"{name} leaves account {account_id} at {total}, outside of its limits")
        for currency, amount in sums.items():
            if amount:
                raise Fault(f"the entries of {name} do not sum to zero in {currency}, but to {amount}")

    def _check_partition(self, connection: Connection) -> None:
        row = connection.execute(select(partitions).where(partitions.c.id == self._partition)).first()
        if row is None:
            if self._sequence:
                raise Fault(f"partition {self._partition} has records but no row of its own")
            return
        if (row.last_sequence, bytes(row.last_hash)) != (self._sequence, self._hash):
            raise Fault(
                f"the journal ends at record {self._sequence}, the partition's row says {row.last_sequence}, "
                "or another hash"
            )

    def _check_accounts(self, connection: Connection) -> None:
        """The table of accounts says the same of them as the records that opened them."""
        seen = 0
        columns = (
            accounts.c.number,
            accounts.c.id,
            accounts.c.currency,
            accounts.c.floor,
            accounts.c.ceiling,
        )
        for row in connection.execute(select(*columns)):
            account = self._accounts.get(row.id)
            if account is None:
                if partition_of_account(row.number) == self._partition:
                    raise Fault(f"account {row.id} stands in its table, but no record opens it")
                continue
            seen += 1
            account.number = row.number
            if (row.currency, row.floor, row.ceiling) != (account.currency, account.floor, account.ceiling):
                raise Fault(f"account {row.id} has another currency or other limits than its record says")
        if seen != len(self._accounts):
            missing = next(id for id, account in self._accounts.items() if account.number < 0)
            raise Fault(f"account {missing} is missing from its table")

    def _check_balances(self, connection: Connection) -> None:
        by_number = {account.number: (id, account) for id, account in self._accounts.items()}
        for row in connection.execute(select(balances)):
            if row.account not in by_number:
                continue
            id, account = by_number[row.account]
            balance = account.buckets.get(row.bucket)
            if balance != row.balance:
                raise Fault(f"the balance of account {id} is {row.balance}; the journal leads to {balance}")
            total = row.balance if row.total is None else row.total
            if row.bucket == PLAIN and total != sum(account.buckets.values()):
                raise Fault(f"the total of account {id} is {total}; its buckets hold something else")
        for account in self._accounts.values():
            self._sums[account.currency] += sum(account.buckets.values())
        for currency, total in self._sums.items():
            if total:
                raise Fault(f"the balances of {currency} sum to {total} instead of zero")

    def _check_entries(self, connection: Connection) -> None:
        """Each account has as many entries as the journal books, of the same sum, the last with its
        balance.
        """
        by_number = {account.number: (id, account) for id, account in self._accounts.items()}
        grouped = select(
            entries.c.account, func.count().label("lines"), func.sum(entries.c.amount).label("amount")
        ).group_by(entries.c.account)
        counted = 0
        for row in connection.execute(grouped):
            if row.account not in by_number:
                continue
            id, account = by_number[row.account]
            counted += row.lines
            if row.lines != account.lines or row.amount != sum(account.buckets.values()):
                raise Fault(f"the entries of account {id} are not those that the journal books")
        if counted != self._entries:
            raise Fault(f"the table of entries has {counted} of the journal's {self._entries}")
        self._check_lines(connection, by_number)

    def _check_lines(self, connection: Connection, by_number: dict[int, tuple[str, _Account]]) -> None:
        """Each stored entry says the balance after it that the entries before it lead to."""
        running: dict[tuple[int, str], int] = defaultdict(int)
        lines = select(
            entries.c.account, entries.c.sequence, entries.c.bucket, entries.c.amount, entries.c.balance
        ).order_by(entries.c.account, entries.c.sequence)
        for account, sequence, bucket, amount, balance in connection.execution_options(
            yield_per=PAGE
        ).execute(lines):
            if account not in by_number:
                continue
            running[account, bucket] += amount
            if running[account, bucket] != balance:
                id = by_number[account][0]
                raise Fault(f"the entry of record {sequence} on account {id} says another balance after it")
