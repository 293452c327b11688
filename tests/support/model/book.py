"""What the model remembers. All values are immutable, so that a copy of the book is a copy of its lists.

Money lies in pots; a pot's balance is the sum of all that ever went in and out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, NamedTuple

from shared.contracts.charters import Charter
from tests.support.model import dates


class No(Exception):
    """The model refuses."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class Kind(NamedTuple):
    """What units are told apart by."""

    purpose: str = ""
    expires_on: date | None = None
    received_on: date | None = None
    reservation: str = ""

    @property
    def plain(self) -> bool:
        return self == PLAIN


PLAIN = Kind()


class Pot(NamedTuple):
    account: str
    kind: Kind = PLAIN


@dataclass(frozen=True)
class Money:
    """A currency, with the versions of its charter that have been adopted: (version, valid from, charter)."""

    code: str
    kind: str
    minor_units: int
    issuance: str
    redemption: str
    versions: tuple[tuple[int, int, Charter], ...]


@dataclass(frozen=True)
class Account:
    id: str
    currency: str
    kind: str
    holder: str | None = None
    level: int = 0
    place: str | None = None
    category: str | None = None
    territory: str | None = None
    groups: frozenset[str] = frozenset()
    own: Mapping[str, int] = field(default_factory=dict)
    frozen: str | None = None
    closed: bool = False
    delegates: Mapping[str, tuple[frozenset[str], int | None]] = field(default_factory=dict)

    @property
    def is_held(self) -> bool:
        """Whether somebody holds it; else it is the currency's own."""
        return self.kind in ("member", "organisation")


class Spending(NamedTuple):
    """What somebody sent away, and when."""

    account: str
    at: int
    amount: int


class Part(NamedTuple):
    """Units drawn: of which kind, how many."""

    kind: Kind
    amount: int


@dataclass(frozen=True)
class Paid:
    """A transfer that was posted. `parts`: the payer's units that went to the payee, in the order drawn."""

    id: str
    kind: str
    currency: str
    payer: str
    payee: str
    amount: int
    parts: tuple[Part, ...]
    gone_back: int = 0


@dataclass(frozen=True)
class Reserved:
    """A pending transfer. `fee_parts`: units reserved for the fee beside the amount."""

    id: str
    currency: str
    payer: str
    payee: str
    amount: int
    fee: int
    parts: tuple[Part, ...]
    fee_parts: tuple[Part, ...]
    lapses_at: int
    status: str = "pending"


@dataclass(frozen=True)
class Proposal:
    """What waits for a second person: the proposing command, and who gave it. `asked`: the account whose
    holder may agree to a reversal.
    """

    id: str
    command: Any
    by: str
    lapses_at: int
    status: str = "pending"
    asked: str = ""


@dataclass(frozen=True)
class Schedule:
    """Payments to come. `n` and `attempt` are the next ones; `tried_at` is when the first attempt failed."""

    id: str
    command: Any
    by: str
    due_at: int
    tried_at: int = 0
    n: int = 0
    attempt: int = 1
    status: str = "active"
    skipped: tuple[int, ...] = ()


@dataclass
class Book:
    """Everything. `now` is Unix microseconds."""

    now: int = 0
    moneys: dict[str, Money] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    pots: dict[Pot, int] = field(default_factory=dict)
    spendings: list[Spending] = field(default_factory=list)
    paid: dict[str, Paid] = field(default_factory=dict)
    reserved: dict[str, Reserved] = field(default_factory=dict)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)

    def copy(self) -> "Book":
        return replace(
            self,
            moneys=dict(self.moneys),
            accounts=dict(self.accounts),
            pots=dict(self.pots),
            spendings=list(self.spendings),
            paid=dict(self.paid),
            reserved=dict(self.reserved),
            proposals=dict(self.proposals),
            schedules=dict(self.schedules),
            warnings=set(),
        )

    @property
    def today(self) -> date:
        return dates.day_of(self.now)

    def money(self, code: str) -> Money:
        if code not in self.moneys:
            raise No("unknown-currency")
        return self.moneys[code]

    def account(self, id: str) -> Account:
        if id not in self.accounts:
            raise No("unknown-account")
        return self.accounts[id]

    def charter(self, code: str) -> Charter:
        """The charter in force."""
        versions = self.money(code).versions
        held = [charter for _, valid_from, charter in versions if valid_from <= self.now]
        return held[-1] if held else versions[0][2]

    def holdings(self, account: str) -> dict[Kind, int]:
        """What an account holds of each kind of units."""
        return {pot.kind: amount for pot, amount in self.pots.items() if pot.account == account and amount}

    def total(self, account: str) -> int:
        return sum(self.holdings(account).values())

    def move(self, amount: int, giver: Pot, taker: Pot) -> None:
        """Units change their pot: the only way in which anything changes."""
        assert amount, "nothing moves"
        for pot, change in ((giver, -amount), (taker, amount)):
            left = self.pots.get(pot, 0) + change
            if left:
                self.pots[pot] = left
            else:
                self.pots.pop(pot, None)

    def become(self, other: "Book") -> None:
        """Take over everything of another book."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))
