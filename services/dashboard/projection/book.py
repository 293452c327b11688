"""What a batch of records changes, gathered in memory: no input or output here.

Whatever cannot be applied shows while gathering, before anything is written.

A figure belongs to a territory by its account: a balance to the territory of its account, a transfer to that
of the PAYER's account.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from services.dashboard.projection.areas import day_of, until_day_end
from services.dashboard.projection.facts import (
    AccountFact,
    CurrencyFact,
    Facts,
    Payment,
    TransferFact,
    Unappliable,
)
from shared.contracts.primitives import HOLDER_KINDS

MUTUAL_CREDIT = "mutual_credit"
"""The kind of currency whose supply is the sum of the positive balances alone."""


class Movement(NamedTuple):
    """Who gave what to whom, by the ids of accounts; None where the record does not say. `part` counts the
    movements of a record. `paid`: it is a transfer of its own, and mends no other.
    """

    currency: str
    day: int
    sequence: int
    part: int
    payer: str | None
    payee: str | None
    amount: int
    occurred_at: int
    paid: bool


class Pool(NamedTuple):
    """The accounts of a currency in a territory."""

    currency: str
    territory: str


@dataclass(slots=True)
class Currency:
    code: str
    partition: int
    kind: str
    minor_units: int
    territory: str
    simulated: bool
    since: int


@dataclass(slots=True)
class AccountDay:
    """A day of an account: the change of its balance, and of transfers between members what it paid and
    received, and their number.
    """

    change: int = 0
    paid: int = 0
    received: int = 0
    transfers: int = 0


class AccountState(NamedTuple):
    since: int
    first_active: int | None
    balance: int
    last_at: int


@dataclass(slots=True)
class Account:
    """An account; `key` is None while it is new. `days` and `entries` are the batch's.

    In mutual credit alone: `entries` are (time, sequence, amount); `balance` and `last_at`, the time of the
    latest entry, are as before the batch.
    """

    id: str
    kind: str
    pool: Pool
    since: int
    first_active: int | None = None
    balance: int = 0
    last_at: int = 0
    key: int | None = None
    days: dict[int, AccountDay] = field(default_factory=dict)
    entries: list[tuple[int, int, int]] = field(default_factory=list)

    state_before: AccountState | None = None

    def state_after(self) -> AccountState:
        """What changes of an account, as it is after the batch."""
        if not self.entries:
            return AccountState(self.since, self.first_active, self.balance, self.last_at)
        return AccountState(
            self.since,
            self.first_active,
            self.balance + sum(amount for _at, _sequence, amount in self.entries),
            max([self.last_at, *(at for at, _sequence, _amount in self.entries)]),
        )

    @property
    def is_member(self) -> bool:
        """Whether a person or an organisation holds it."""
        return self.kind in HOLDER_KINDS


@dataclass(slots=True)
class PoolDay:
    """Changes of a pool on a day; the columns of `pool_days`, with the area whole."""

    issued: int = 0
    redeemed: int = 0
    supply: int = 0
    area: int = 0
    transfers: int = 0
    volume: int = 0


@dataclass(slots=True)
class Book:
    """The currencies and accounts that a batch touches, and what it adds to pools, by (pool, day)."""

    currencies: dict[str, Currency]
    accounts: dict[str, Account]
    days: dict[tuple[Pool, int], PoolDay] = field(default_factory=dict)
    amounts: dict[tuple[Pool, int, int], int] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)

    def enter(self, facts: Facts | Payment) -> None:
        """Gather one record. Raises Unappliable."""
        if isinstance(facts, Payment):
            if self._pay(facts):
                return
            facts = facts.facts()
        if facts.currency is not None:
            self._create(facts, facts.currency)
        for opened in facts.opened:
            self._open(facts, opened)
        self._check_balanced(facts)
        for account, amount in facts.entries.items():
            self._move(facts, self.accounts[account], amount)
        for transfer in facts.transfers:
            self._count(facts, transfer)
        self._follow(facts)

    def day(self, pool: Pool, day: int) -> PoolDay:
        """What the batch adds to a pool's day so far."""
        key = (pool, day)
        found = self.days.get(key)
        if found is None:
            found = self.days[key] = PoolDay()
        return found

    def _pay(self, payment: Payment) -> bool:
        """Gather a payment between members in a few steps, to what `enter` would do with its facts; False,
        and nothing done, where it is none.
        """
        payer, payee = self.accounts.get(payment.payer), self.accounts.get(payment.payee)
        if payer is None or payee is None or not (payer.is_member and payee.is_member):
            return False
        pool, code = payer.pool, payer.pool.currency
        if payee.pool.currency != code:
            return False
        _, sequence, at, _, _, amount = payment
        day = day_of(at)
        currency = self.currencies[code]
        currency.since = min(currency.since, day)
        for account, change in ((payer, -amount), (payee, amount)):
            account.since = min(account.since, day)
            account.first_active = day if account.first_active is None else min(account.first_active, day)
            of_account = account.days.get(day)
            if of_account is None:
                of_account = account.days[day] = AccountDay()
            of_account.change += change
            of_account.transfers += 1
            if change < 0:
                of_account.paid += amount
            else:
                of_account.received += amount
            if currency.kind == MUTUAL_CREDIT:
                account.entries.append((at, sequence, change))
        pool_day = self.day(pool, day)
        pool_day.transfers += 1
        pool_day.volume += amount
        if payee.pool != pool:
            other, area = self.day(payee.pool, day), amount * until_day_end(at)
            if currency.kind != MUTUAL_CREDIT:
                pool_day.supply, pool_day.area = pool_day.supply - amount, pool_day.area - area
                other.supply, other.area = other.supply + amount, other.area + area
        key = (pool, day, amount)
        self.amounts[key] = self.amounts.get(key, 0) + 1
        self.movements.append(Movement(code, day, sequence, 0, payer.id, payee.id, amount, at, True))
        return True

    def _create(self, facts: Facts, fact: CurrencyFact) -> None:
        if fact.code in self.currencies:
            raise Unappliable(facts.sequence, "currency-exists")
        self.currencies[fact.code] = Currency(
            code=fact.code,
            partition=facts.partition,
            kind=fact.kind,
            minor_units=fact.minor_units,
            territory=fact.territory,
            simulated=fact.simulated,
            since=day_of(facts.occurred_at),
        )

    def _open(self, facts: Facts, fact: AccountFact) -> None:
        currency = self.currencies.get(fact.currency)
        if currency is None:
            raise Unappliable(facts.sequence, "unknown-currency")
        if fact.id in self.accounts:
            raise Unappliable(facts.sequence, "account-exists")
        day = day_of(facts.occurred_at)
        currency.since = min(currency.since, day)
        pool = Pool(fact.currency, fact.territory or currency.territory)
        self.accounts[fact.id] = Account(id=fact.id, kind=fact.kind, pool=pool, since=day)

    def _check_balanced(self, facts: Facts) -> None:
        sums: dict[str, int] = {}
        if not facts.named() <= self.accounts.keys():
            raise Unappliable(facts.sequence, "unknown-account")
        for account, amount in facts.entries.items():
            currency = self.accounts[account].pool.currency
            sums[currency] = sums.get(currency, 0) + amount
        if any(sums.values()):
            raise Unappliable(facts.sequence, "unbalanced")

    def _move(self, facts: Facts, account: Account, amount: int) -> None:
        at = facts.occurred_at
        day = day_of(at)
        currency = self.currencies[account.pool.currency]
        currency.since = min(currency.since, day)
        account.since = min(account.since, day)
        pool_day = self.day(account.pool, day)
        if account.kind == "issuance":
            pool_day.issued -= amount
            return
        if account.kind == "redemption":
            pool_day.redeemed += amount
            return
        account.days.setdefault(day, AccountDay()).change += amount
        if currency.kind == MUTUAL_CREDIT:
            account.entries.append((at, facts.sequence, amount))
        else:
            pool_day.supply += amount
            pool_day.area += amount * until_day_end(at)

    def _count(self, facts: Facts, transfer: TransferFact) -> None:
        payer, payee = self.accounts[transfer.payer], self.accounts[transfer.payee]
        if transfer.mending or not (payer.is_member and payee.is_member):
            return
        day, amount = day_of(facts.occurred_at), transfer.amount
        pool_day = self.day(payer.pool, day)
        pool_day.transfers += 1
        pool_day.volume += amount
        key = (payer.pool, day, amount)
        self.amounts[key] = self.amounts.get(key, 0) + 1
        for account in (payer, payee):
            account.since = min(account.since, day)
            account.first_active = day if account.first_active is None else min(account.first_active, day)
            # Where it passed on what it received in the same record, it has no entry.
            account.days.setdefault(day, AccountDay()).transfers += 1
        payer.days[day].paid += amount
        payee.days[day].received += amount

    def _follow(self, facts: Facts) -> None:
        """Keep who gave what to whom: the transfers, what was kept back of them, what lapsed; then what the
        entries say beyond it.
        """
        beyond = dict(facts.entries)
        moved: list[tuple[str | None, str | None, int, bool]] = []

        def move(giver: str, taker: str, amount: int, paid: bool) -> None:
            moved.append((giver, taker, amount, paid))
            beyond[giver] = beyond.get(giver, 0) + amount
            beyond[taker] = beyond.get(taker, 0) - amount

        for account, amount in facts.expired:
            if (ends := self._redeeming(facts, account)) is not None:
                move(account, ends, amount, False)
        fees: list[tuple[TransferFact, str, int]] = []
        for transfer in facts.transfers:
            amount = transfer.amount
            for account, kept in transfer.kept_back:
                if self.accounts[transfer.payee].is_member:
                    fees.append((transfer, account, kept))
                else:
                    # What is kept back of a redemption has not been redeemed.
                    move(transfer.payer, account, kept, False)
                    amount -= kept
            if amount:
                move(transfer.payer, transfer.payee, amount, not transfer.mending)
        for transfer, account, kept in fees:
            # Whoever has less than the transfer says has paid for it.
            giver = transfer.payer if beyond[transfer.payer] <= -kept else transfer.payee
            move(giver, account, kept, False)
        for account, amount in beyond.items():
            if amount < 0:
                moved.append((account, None, -amount, False))
            elif amount > 0:
                moved.append((None, account, amount, False))
        day = day_of(facts.occurred_at)
        for part, (payer, payee, amount, paid) in enumerate(moved):
            currency = self.accounts[str(payer or payee)].pool.currency
            self.movements.append(
                Movement(currency, day, facts.sequence, part, payer, payee, amount, facts.occurred_at, paid)
            )

    def _redeeming(self, facts: Facts, account: str) -> str | None:
        """The account at which a currency's units end, where the record books on it."""
        currency = self.accounts[account].pool.currency
        for id in facts.entries:
            other = self.accounts[id]
            if other.kind == "redemption" and other.pool.currency == currency:
                return id
        return None


def touched(batch: Iterable[Facts | Payment]) -> tuple[set[str], set[str]]:
    """The codes of currencies and the ids of accounts that some records name."""
    codes: set[str] = set()
    accounts: set[str] = set()
    for facts in batch:
        if isinstance(facts, Payment):
            accounts.add(facts.payer)
            accounts.add(facts.payee)
            continue
        if facts.currency is not None:
            codes.add(facts.currency.code)
        for opened in facts.opened:
            codes.add(opened.currency)
            accounts.add(opened.id)
        accounts.update(facts.named())
    return codes, accounts
