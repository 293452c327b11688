"""What the writer needs of a database: one connection of its own, reading by sets, and one transaction a
batch.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from services.ledger.kernel.record import Record, StoredRefusal
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing

PIECE = 150
"""After how many commands of a batch the store is given what they led to, while the next ones are decided."""


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


class Line(NamedTuple):
    """An entry as it is stored; `total` is None where the account's total equals the bucket's balance."""

    account: int
    sequence: int
    amount: int
    balance: int
    total: int | None
    bucket: str


class Change(NamedTuple):
    """What a bucket of an account holds after a batch, or after a part of it; `total` (of the account) stands
    on the plain bucket only.
    """

    account: int
    balance: int
    total: int | None
    bucket: str


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
    lines: list[Line] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
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

    def load_things(self, partition: int, keys: Collection[Key]) -> dict[Key, Thing]:
        """What is remembered under these keys, of those that there are."""

    def writing(self) -> AbstractContextManager[None]:
        """Within the block a batch may be sent ahead; what has not been written by its end is undone."""

    def ahead(self, batch: Batch) -> None:
        """Begin to write what is decided of the batch by now, where that saves time. It must not change."""

    def write(self, batch: Batch) -> None:
        """Write the batch in one transaction, where the fence stands. Raises FenceMissed and BooksBroken."""
