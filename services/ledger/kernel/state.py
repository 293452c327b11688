"""What the kernel knows of a partition: its header, currencies, accounts with their balances, and commands
decided.

The writer loads only what a batch touches; `None` then says "looked for and not there", and a missing key is
a mistake of the loader, which must not pass for an unknown account. A state that holds everything answers
`None` for the rest.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import GENESIS, Record, StoredRefusal
from services.ledger.kernel.rules import Rules

ACCOUNTS_PER_PARTITION_BITS = 40


@dataclass(slots=True)
class Header:
    """How far a partition has come: its timeline, and its last record's sequence, hash and time."""

    partition: int
    timeline: str
    sequence: int = 0
    hash: bytes = GENESIS
    recorded_at: int = 0


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency and its charter. `minor_units` of them make one unit; limits are in minor units."""

    id: str
    code: str
    names: dict[str, str]
    minor_units: int
    kind: str
    default_credit_limit: int
    maximum_balance: int
    territory: str
    simulated: bool
    issuance_account: str
    redemption_account: str
    partition: int
    created_at: int


@dataclass(slots=True)
class Account:
    """An account: its total must stay within [floor, ceiling]. It consists of plain units, which are all
    alike, and of special ones by bucket: None where there are none, as with most of the many accounts that a
    state holds.

    `number` is short for the id inside the database; `opened_at` is the time of its record. `terms` is what
    else is agreed: `level` (of verification), `place`, `groups`, `own` (limits of its own, which go before
    the charter's), `charter` (the version that its limits were last taken from), `frozen` ("out" or "all"),
    `freeze` (the command that froze it, by which its reason is found), `closed` (true), `delegates` (subject
    -> {rights, per_transfer}); each absent where there is nothing to say.
    """

    number: int
    id: str
    currency: str
    kind: str
    holder: str | None
    floor: int
    ceiling: int
    territory: str | None
    category: str | None
    opened_at: int
    terms: dict[str, Any] = field(default_factory=dict)
    total: int = 0
    plain: int = 0
    special: dict[str, int] | None = None

    @property
    def buckets(self) -> dict[str, int]:
        """What the total consists of, without what is empty. A copy."""
        held = {PLAIN: self.plain} if self.plain else {}
        return held | self.special if self.special else held

    def balance_of(self, bucket: str) -> int:
        if bucket == PLAIN:
            return self.plain
        return self.special.get(bucket, 0) if self.special else 0

    def put(self, bucket: str, balance: int) -> None:
        """Have a bucket hold so much; empty special ones vanish."""
        if bucket == PLAIN:
            self.plain = balance
        elif balance:
            if self.special is None:
                self.special = {}
            self.special[bucket] = balance
        elif self.special:
            self.special.pop(bucket, None)
            self.special = self.special or None


@lru_cache(maxsize=4096, typed=True)
def shared(value: Any) -> Any:
    """The value itself, the same object for all that are equal to it: of what many accounts have. Memory is
    what slows the writer most where accounts are many.
    """
    return value


class Thing(NamedTuple):
    """Something else that the kernel remembers, by kind and id: see `THINGS`.

    `owner` is whose it is (an account's id or a currency's code), `due_at` when jobs must look at it (Unix
    microseconds), `body` plain data. A record carries every thing that it sets, whole.
    """

    owner: str | None
    due_at: int | None
    body: dict[str, Any]


THINGS = {
    "charters": "a currency's versions: {versions: [[version, valid_from], ...]}; id: its code",
    "charter": "one version: {document: the charter}; id: code/version",
    "pending": "a pending transfer: its terms, draws and status; id: the transfer's; owner: the payer",
    "leg": "where a linked transfer stands: {command, position}; id: the leg's",
    "refunded": "how much of a transfer went back: {amount}; id: the transfer's",
    "spent": "what left an account this day and month: {day, day_amount, month, month_amount}; id: its id",
    "proposal": "what waits for a second person: {command, status, ...}; id: the proposing command's",
    "schedule": "payments to come: its terms, n, attempt, status; id: its command's; owner: the payer",
}
"""The kinds of things, for readers."""

Key = tuple[str, str]
"""Kind and id of a thing."""

Known = Record | StoredRefusal
"""What a command of the past came to."""

Name = TypeVar("Name")
Value = TypeVar("Value")


class Whole(dict[Name, Value | None]):
    """A dictionary that knows everything: what it does not hold does not exist."""

    def __missing__(self, key: Name) -> None:
        return None


@dataclass(slots=True)
class State:
    """The partition as far as it is loaded. `next_account` is the number for the next account opened."""

    header: Header
    next_account: int
    currencies: dict[str, Currency | None] = field(default_factory=dict)
    accounts: dict[str, Account | None] = field(default_factory=dict)
    commands: dict[str, Known | None] = field(default_factory=dict)
    things: dict[Key, Thing | None] = field(default_factory=dict)
    rules: dict[Key, Rules] = field(default_factory=dict)
    """Charters read already, by code and version: they never change."""


def whole_state(partition: int, timeline: str) -> State:
    """The state of a partition before its first record, knowing that nothing else exists."""
    return State(
        Header(partition, timeline),
        first_account(partition),
        Whole[str, Currency](),
        Whole[str, Account](),
        Whole[str, Known](),
        Whole[Key, Thing](),
    )


def first_account(partition: int) -> int:
    """Numbers of accounts tell their partition, so that several partitions may share a database."""
    return partition << ACCOUNTS_PER_PARTITION_BITS


def partition_of_account(number: int) -> int:
    return number >> ACCOUNTS_PER_PARTITION_BITS
