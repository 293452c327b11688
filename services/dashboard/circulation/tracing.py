"""Units followed from hand to hand, first in, first out: how long they were held, and what became of those
that were issued.

Movements are taken in the journal's order; how long a unit was held goes by the times at which it was
received and spent, and is never less than nothing. So a record that comes late, with the next sequence,
changes nothing of what was told of the records before it.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.dashboard.circulation.cohorts import Atoms
from services.dashboard.projection.areas import day_of
from shared.contracts.primitives import HOLDER_KINDS

NOBODY = 0
"""In a movement: the record does not say who gave, or who got."""
UNKNOWN = -1
"""The cohort of a unit that came from no issue: credit, or a source that no record names."""
ISSUER, REDEEMER = "issuance", "redemption"

Part = tuple[int, int | None, int]
"""An amount, when it was received (None: on credit), and the atom in which it was issued."""


@dataclass(slots=True)
class Spent:
    """Payments between members: their sum; how much of it had been received before, and this times the
    microseconds that it was held.
    """

    volume: int = 0
    traced: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """An account: its kind, and the pool that its payments count for."""

    kind: str
    pool: int

    @property
    def is_member(self) -> bool:
        return self.kind in HOLDER_KINDS


_NOT_TOLD = Holder("", 0)


@dataclass(slots=True)
class Tracing:
    """Follows the movements of one currency, each handed to `move` in the journal's order.

    Sums go by atoms (`cohorts`): `spent` by (pool of the payer, atom of the payment), `issued` by (atom,
    account), `redeemed` by (atom of the issue, atom of the redemption).
    """

    holders: Mapping[int, Holder]
    spent: dict[tuple[int, int], Spent] = field(default_factory=dict)
    issued: dict[tuple[int, int], int] = field(default_factory=dict)
    redeemed: dict[tuple[int, int], int] = field(default_factory=dict)
    _lots: dict[int, deque[Part]] = field(default_factory=dict)
    _owed: dict[int, int] = field(default_factory=dict)
    _atoms: Atoms = field(default_factory=Atoms)

    def move(self, payer: int, payee: int, amount: int, at: int, paid: bool = True) -> None:
        """One movement of some minor units, at a time in Unix microseconds; `paid` says whether it is a
        payment where both are members, and no fee, refund or the like.
        """
        giver, taker = self.holders.get(payer, _NOT_TOLD), self.holders.get(payee, _NOT_TOLD)
        atom = self._atoms.of(day_of(at))
        parts = self._given(payer, giver, payee, amount, atom)
        if paid and giver.is_member and taker.is_member:
            self._count(self.spent.setdefault((giver.pool, atom), Spent()), parts, amount, at)
        if taker.kind in (ISSUER, REDEEMER):
            for part, _received, cohort in parts:
                if cohort != UNKNOWN:
                    key = (cohort, atom)
                    self.redeemed[key] = self.redeemed.get(key, 0) + part
        elif payee != NOBODY:
            self._take_in(payee, parts, at)

    def _given(self, payer: int, giver: Holder, payee: int, amount: int, atom: int) -> list[Part]:
        if giver.kind == ISSUER:
            key = (atom, payee)
            self.issued[key] = self.issued.get(key, 0) + amount
            return [(amount, None, atom)]
        if payer == NOBODY or giver.kind == REDEEMER:
            return [(amount, None, UNKNOWN)]
        return self._taken_from(payer, amount)

    def _taken_from(self, account: int, amount: int) -> list[Part]:
        """The oldest units of an account; what it does not have, it owes from now on."""
        parts: list[Part] = []
        lots = self._lots.get(account)
        while amount and lots:
            have, received, cohort = lots[0]
            taken = min(have, amount)
            parts.append((taken, received, cohort))
            amount -= taken
            if taken == have:
                lots.popleft()
            else:
                lots[0] = (have - taken, received, cohort)
        if amount:
            self._owed[account] = self._owed.get(account, 0) + amount
            parts.append((amount, None, UNKNOWN))
        return parts

    def _take_in(self, account: int, parts: list[Part], at: int) -> None:
        """Units received: those that pay back what is owed are gone, the rest wait to be spent."""
        if len(parts) > 1:
            merged: dict[int, int] = {}
            for part, _received, cohort in parts:
                merged[cohort] = merged.get(cohort, 0) + part
            parts = [(part, None, cohort) for cohort, part in merged.items()]
        lots = self._lots.get(account)
        if lots is None:
            lots = self._lots[account] = deque()
        owed = self._owed.pop(account, 0)
        for part, _received, cohort in parts:
            settled = min(owed, part)
            owed -= settled
            if part > settled:
                lots.append((part - settled, at, cohort))
        if owed:
            self._owed[account] = owed

    @staticmethod
    def _count(sums: Spent, parts: list[Part], amount: int, at: int) -> None:
        sums.volume += amount
        for part, received, _cohort in parts:
            if received is not None:
                sums.traced += part
                if at > received:
                    sums.held += part * (at - received)
