"""What the writer needs of a database: one connection of its own, reading by sets, and one transaction a
batch.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import Record, StoredRefusal
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing

PIECE = 150
"""After how many commands of a batch the store is given what they led to, while the next ones are decided."""


TRANSACTION_SECONDS = 15.0
"""A batch that takes longer to write is not committed: callers were told by then."""


class StoreError(Exception):
    """The database did not do it. `connection_lost`: only a new connection can tell what has become of it."""

    def __init__(self, cause: BaseException, *, connection_lost: bool) -> None:
        super().__init__(str(cause).strip())
        self.connection_lost = connection_lost


class BooksBroken(Exception):
    """A balance or an account that was to be changed is not there. The batch was not written."""


class FenceMissed(Exception):
    """The partition is not as this writer left it, or is frozen; the batch was not written."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition's row: who may write (`term`), and how far it has come."""

    id: int
    timeline: str
    term: int
    last_sequence: int
    last_hash: bytes
    last_batch: str
    recorded_at: int
    frozen: bool


@dataclass(slots=True)
class Lines:
    """Entries as they are stored, a list for each column: nearly all that a batch writes goes through here.

    `totals` are None where the account's total equals the bucket's balance.
    """

    accounts: list[int] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    balances: list[int] = field(default_factory=list)
    totals: list[int | None] = field(default_factory=list)
    buckets: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.accounts)

    def add(
        self, account: int, sequence: int, amount: int, balance: int, total: int | None, bucket: str
    ) -> None:
        self.accounts.append(account)
        self.sequences.append(sequence)
        self.amounts.append(amount)
        self.balances.append(balance)
        self.totals.append(total)
        self.buckets.append(bucket)

    def since(self, start: int) -> "Lines":
        """Those after so many."""
        return Lines(
            *(self.accounts[start:], self.sequences[start:], self.amounts[start:], self.balances[start:]),
            *(self.totals[start:], self.buckets[start:]),
        )

    def rows(self) -> list[tuple[int, int, int, int, int | None, str]]:
        """Account, sequence, amount, balance, total, bucket."""
        columns = (self.accounts, self.sequences, self.amounts, self.balances, self.totals, self.buckets)
        return list(zip(*columns, strict=True))


@dataclass(slots=True)
class Changes:
    """What buckets of accounts hold after a batch, or after a part of it, a list for each column; `totals`
    (of the account) stand on plain buckets only, where they differ.
    """

    accounts: list[int] = field(default_factory=list)
    balances: list[int] = field(default_factory=list)
    totals: list[int | None] = field(default_factory=list)
    buckets: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.accounts)

    def add(self, account: int, balance: int, total: int | None, bucket: str) -> None:
        self.accounts.append(account)
        self.balances.append(balance)
        self.totals.append(total)
        self.buckets.append(bucket)

    def add_plain(self, balances: Mapping[int, int]) -> None:
        """Accounts that hold plain units alone, with what they hold."""
        self.accounts += balances.keys()
        self.balances += balances.values()
        self.totals += [None] * len(balances)
        self.buckets += [PLAIN] * len(balances)

    def plain(self, start: int = 0) -> "Changes":
        """Those after so many that are of plain buckets: rows that exist, since every account has one."""
        buckets = self.buckets[start:]
        if not any(buckets):
            return Changes(self.accounts[start:], self.balances[start:], self.totals[start:], buckets)
        return self._of([place for place, bucket in enumerate(buckets, start) if bucket == PLAIN])

    def special(self) -> tuple["Changes", "Changes"]:
        """Those of other buckets: what they hold now, and those that are empty and vanish."""
        places = [place for place, bucket in enumerate(self.buckets) if bucket != PLAIN]
        return (
            self._of([place for place in places if self.balances[place]]),
            self._of([place for place in places if not self.balances[place]]),
        )

    def rows(self) -> list[tuple[int, int, int | None, str]]:
        """Account, balance, total, bucket."""
        return list(zip(self.accounts, self.balances, self.totals, self.buckets, strict=True))

    def _of(self, places: Sequence[int]) -> "Changes":
        columns = (self.accounts, self.balances, self.totals, self.buckets)
        return Changes(*([column[place] for place in places] for column in columns))  # type: ignore[arg-type]


@dataclass(slots=True)
class Batch:
    """All that one transaction writes. `before` is the partition's last sequence, `sequence` and `hash` the
    new ones.
    """

    id: str
    partition: int
    term: int
    before: int
    sequence: int
    hash: bytes
    recorded_at: int
    records: list[Record] = field(default_factory=list)
    """Without gaps, and all of the same time."""
    lines: Lines = field(default_factory=Lines)
    changes: Changes = field(default_factory=Changes)
    """Of a plain bucket there may be several: the last one holds."""
    currencies: list[Currency] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    """Opened; their rows are written as they are at the end of the batch."""
    altered: list[Account] = field(default_factory=list)
    """Opened before, with other fields now."""
    things: dict[Key, Thing | None] = field(default_factory=dict)
    """What is remembered of them from now on; None for what is forgotten."""
    refusals: list[StoredRefusal] = field(default_factory=list)


class Store(Protocol):
    """One connection to a partition's database. Every method may raise StoreError."""

    def connect(self) -> None:
        """Open the connection, after closing what is left of a former one."""

    def close(self) -> None:
        """Close the connection, and with it give up leading."""

    def try_lead(self, partition: int) -> bool:
        """Whether nobody else leads now. It only keeps writers from disturbing each other: the fence is what
        counts.
        """

    def read_partition(self, partition: int) -> Partition | None:
        """The partition's row, after any transaction that is changing it has ended."""

    def take_over(self, partition: int, timeline: str) -> Partition:
        """Begin a term of one's own; a partition that does not exist yet is made, with this timeline."""

    def next_account(self, partition: int) -> int:
        """The number for the next account opened."""

    def load_currencies(self, codes: Collection[str]) -> list[Currency]: ...

    def load_accounts(self, ids: Collection[str]) -> list[Account]:
        """Accounts with the balances of all their buckets."""

    def load_commands(self, partition: int, ids: Collection[str]) -> list[Known]:
        """What the commands with these ids came to, of those that are known."""

    def load_recent(self, partition: int, since: str, until: str, limit: int) -> list[str]:
        """The ids from `since` on and before `until` that commands are known by, the last `limit` of them."""

    def load_things(self, partition: int, keys: Collection[Key]) -> dict[Key, Thing]:
        """What is remembered under these keys, of those that there are."""

    def writing(self) -> AbstractContextManager[None]:
        """Within the block a batch may be sent ahead; what has not been written by its end is undone."""

    def ahead(self, batch: Batch) -> None:
        """Begin to write what is decided of the batch by now, where that saves time. It must not change."""

    def write(self, batch: Batch) -> None:
        """Write the batch in one transaction, where the fence stands. Raises FenceMissed and BooksBroken."""

    def send(self, batch: Batch) -> bool:
        """Have the batch written as `write` does, and do not wait for it; False where that cannot be done.
        What is sent later is written later, and not at all where this one was not.
        """

    def confirm(self) -> None:
        """Wait until the batch that was sent first is written. Raises FenceMissed and BooksBroken, as `write`
        does.
        """

    def forget(self) -> None:
        """Wait for what was sent, and confirm none of it any more."""

    def show_life(self) -> None:
        """Let the database know that this writer is there: it ends the connection of one that has been silent
        for long, so that another can lead.
        """
