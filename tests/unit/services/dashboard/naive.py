"""The figures worked out from the raw list of records, as directly as their definitions read.

Slow, short, and sharing no code with what it checks.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from statistics import median

from shared.contracts.journal import JournalRecord

WEEK = 7 * 86_400 * 1_000_000
MEMBERS = ("member", "organisation")


class Naive:
    """The figures of a currency, in a territory or (None) in all, over a time from `start` up to `end`."""

    def __init__(
        self,
        records: Sequence[JournalRecord],
        currency: str,
        territory: str | None,
        start: int,
        end: int,
        now: int,
        previous: int = 0,
    ) -> None:
        """`previous` is where the period before begins; `start` where there is none."""
        self.start, self.end, self.now, self.previous = start, end, min(end, now), previous
        [charter] = [
            record.payload["currency"]
            for record in records
            if record.payload.get("currency", {}).get("code") == currency
        ]
        self.mutual = charter["kind"] == "mutual_credit"
        self.kinds: dict[str, str] = {}
        self.opened: dict[str, int] = {}
        self.moves: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.payments: list[tuple[int, str, str, int]] = []
        here: set[str] = set()
        for record in records:
            for account in record.payload["accounts"]:
                if account["currency"] == currency:
                    self.kinds[account["id"]] = account["kind"]
                    self.opened[account["id"]] = record.occurred_at
                    if territory in (None, account["territory"] or charter["territory"]):
                        here.add(account["id"])
            moved: Counter[str] = Counter()
            for account_id, _bucket, amount, _after in record.payload["entries"]:
                moved[account_id] += amount
            for account_id, amount in moved.items():
                # What is only reserved moves nothing.
                if amount:
                    self.moves[account_id].append((record.occurred_at, amount))
            if record.type == "transfer.reserved":
                continue
            posted = [record.payload["transfer"]] if "transfer" in record.payload else []
            for transfer in [*posted, *record.payload.get("transfers", ())]:
                sides = {self.kinds.get(transfer[side]) for side in ("payer", "payee")}
                if sides <= set(MEMBERS) and transfer["kind"] not in ("refund", "reversal", "correction"):
                    payment = (record.occurred_at, transfer["payer"], transfer["payee"], transfer["amount"])
                    self.payments.append(payment)
        self.balances = {a for a in here if self.kinds[a] not in ("issuance", "redemption")}
        self.members = {a for a in here if self.kinds[a] in MEMBERS}

    def balance(self, account: str, end: int) -> int:
        return sum(amount for at, amount in self.moves[account] if at < end)

    def part(self, account: str, end: int) -> int:
        return max(self.balance(account, end), 0) if self.mutual else self.balance(account, end)

    def within(self) -> list[tuple[int, str, str, int]]:
        return [payment for payment in self.payments if self.start <= payment[0] < self.end]

    def amounts(self) -> list[int]:
        return [amount for _at, payer, _payee, amount in self.within() if payer in self.members]

    def first_payment(self, account: str) -> int | None:
        return min((at for at, payer, payee, _ in self.payments if account in (payer, payee)), default=None)

    def existing(self) -> list[str]:
        """Those opened before the end, or that moved or paid something before it, however late they were
        opened: also who passed on in one record what came in.
        """
        seen = {a: [self.opened[a], *(at for at, _amount in self.moves[a])] for a in self.members}
        for at, payer, payee, _amount in self.payments:
            for account in {payer, payee} & self.members:
                seen[account].append(at)
        return [account for account, times in seen.items() if min(times) < self.end]

    def supply(self) -> int:
        return sum(self.part(account, self.end) for account in self.balances)

    def volume(self) -> int:
        return sum(self.amounts())

    def transfer_count(self) -> int:
        return len(self.amounts())

    def mean_transfer(self) -> int | None:
        amounts = self.amounts()
        return round(Fraction(sum(amounts), len(amounts))) if amounts else None

    def median_transfer(self) -> int | None:
        amounts = [Fraction(amount) for amount in self.amounts()]
        return round(median(amounts)) if amounts else None

    def velocity(self) -> float | None:
        area = 0
        for account in self.balances:
            times = sorted({at for at, _ in self.moves[account] if self.start < at < self.now})
            corners = [self.start, *times, self.now]
            for left, right in itertools.pairwise(corners):
                area += self.part(account, left + 1) * (right - left)
        return float(round(Fraction(self.volume() * WEEK, area), 6)) if area > 0 else None

    def active_accounts(self) -> int:
        return len(self.active(self.start, self.end))

    def active(self, start: int, end: int) -> set[str]:
        within = [payment for payment in self.payments if start <= payment[0] < end]
        return {account for payment in within for account in payment[1:3]} & self.members

    def user_retention(self) -> float | None:
        before, now = self.active(self.previous, self.start), self.active(self.start, self.end)
        return float(round(Fraction(len(before & now), len(before)), 6)) if before else None

    def new_accounts(self) -> int:
        firsts = [self.first_payment(account) for account in self.members]
        return sum(first is not None and self.start <= first < self.end for first in firsts)

    def gini_balances(self) -> float | None:
        return gini([self.balance(account, self.end) for account in self.existing()])

    def gini_received(self) -> float | None:
        within = self.within()
        received = [sum(p[3] for p in within if p[2] == account) for account in self.existing()]
        return gini(received)


def gini(values: list[int]) -> float | None:
    """By the mean difference of all pairs: sum |x - y| / (2 n sum x)."""
    if not any(values) or min(values) < 0:
        return None
    differences = sum(abs(x - y) for x in values for y in values)
    return float(round(Fraction(differences, 2 * len(values) * sum(values)), 6))
