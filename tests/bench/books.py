"""Books to measure with: currencies, accounts, and those who pay. Used inside the engine's process."""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from shared.auth.principal import ADMINISTRATOR, IMPORTER, MEMBER, OPERATOR
from shared.contracts import clock, ids
from shared.contracts.charters import FeeClause, LimitClause, PurposeClause
from shared.contracts.commands import (
    AmendCharter,
    Approve,
    Command,
    CreateCurrency,
    Transfer,
    WriteCall,
    WriteItem,
)
from shared.contracts.primitives import HOLDER_KINDS
from tests.support.charters import charter
from tests.support.ledger import create_currency, issue, open_account, pay
from tests.support.writing import Ledger

HOLDERS = 1_000
"""How many different people pay; each holds as many of the accounts."""
SETUP_BATCH = 1_000
CALL_SECONDS = 60.0
TOKEN_SECONDS = 12 * 3600
ISSUED = 1_000_000_000
FOOD = "food"
CHARTER_AHEAD_US = 3 * clock.MICROSECONDS


class Town:
    """A currency with accounts that hold plenty, and whose holders pay each other one unit at a time."""

    def __init__(
        self, ledger: Ledger, code: str, accounts: int, created: CreateCurrency | None = None
    ) -> None:
        self.ledger = ledger
        self.code = code
        holders = [ids.new_id() for _ in range(min(accounts, HOLDERS))]
        self.tokens = [
            ledger.signer.sign(holder, "ledger", frozenset({MEMBER}), lifetime_seconds=TOKEN_SECONDS)
            for holder in holders
        ]
        for token in self.tokens:
            # What is measured is deciding; a token's signature is checked once in its life.
            ledger.verifier.verify(token)
        self._authority = ledger.signer.sign(
            "tools",
            "ledger",
            frozenset({OPERATOR, ADMINISTRATOR, IMPORTER}),
            lifetime_seconds=TOKEN_SECONDS,
        )
        self.do([created or create_currency(code)])
        opened = [
            open_account(holders[number % len(holders)], code, category=FOOD) for number in range(accounts)
        ]
        self.accounts = [command.id for command in opened]
        self.do(opened)
        self.issue()

    def issue(self, purpose: str | None = None) -> None:
        """Give every account plenty, of plain units or for a purpose."""
        self.do(issue(account, ISSUED, self.code, purpose=purpose) for account in self.accounts)

    def do(self, commands: Iterable[Command]) -> None:
        """Have commands decided with all authority, in batches; all must be accepted."""
        waiting = iter(commands)
        while batch := list(islice(waiting, SETUP_BATCH)):
            decide(
                self.ledger, WriteCall([self._authority], [WriteItem(0, each) for each in batch], _until())
            )

    def batch(self, commands: Sequence[tuple[int, Command]]) -> WriteCall:
        """A call of commands, each with the number of the account whose holder gives it."""
        tokens: dict[int, int] = {}
        items = [
            WriteItem(tokens.setdefault(payer % len(self.tokens), len(tokens)), command)
            for payer, command in commands
        ]
        return WriteCall([self.tokens[holder] for holder in tokens], items, _until())

    def random_payments(self, count: int) -> Iterator[tuple[int, Transfer]]:
        """Payments of one unit between any two accounts."""
        last = len(self.accounts) - 1
        for _ in range(count):
            payer, payee = random.randint(0, last), random.randint(0, last)
            if payer == payee:
                payee = payer - 1
            yield payer, self.payment(payer, payee)

    def hot_payments(self, count: int) -> Iterator[tuple[int, Transfer]]:
        """Payments of one unit, all from the first account."""
        for _ in range(count):
            yield 0, self.payment(0, random.randint(1, len(self.accounts) - 1))

    def payment(self, payer: int, payee: int, amount: int = 1) -> Transfer:
        return pay(self.accounts[payer], self.accounts[payee], amount, self.code)


def with_fee_and_purpose(ledger: Ledger, accounts: int) -> Town:
    """Half of what every account holds is for food; a share of each payment is kept back for a fund."""
    food = PurposeClause(code=FOOD, names={"en": "Food"}, categories=[FOOD])
    first = charter("FEES", purposes=[food])
    town = Town(ledger, "FEES", accounts, create_currency("FEES", charter=first))
    second = charter("FEES", purposes=[food], fee=FeeClause(to=town.accounts[-1], basis_points=100, fixed=1))
    valid_from = clock.now_us() + CHARTER_AHEAD_US
    amend = AmendCharter(id=ids.new_id(), currency="FEES", version=2, valid_from=valid_from, charter=second)
    ledger.view(amend)
    approver = ledger.token("another-operator", OPERATOR)
    ledger.view(Approve(id=ids.new_id(), proposal=amend.id), approver)
    while clock.now_us() <= valid_from:
        time.sleep(0.1)
    town.issue(FOOD)
    return town


def with_daily_limits(ledger: Ledger, accounts: int) -> Town:
    """What an account spends is counted by day and month."""
    limits = [LimitClause(kind=kind, per_day=ISSUED, per_month=ISSUED) for kind in HOLDER_KINDS]  # type: ignore[arg-type]
    rules = charter("DAYS", limits=limits)
    return Town(ledger, "DAYS", accounts, create_currency("DAYS", charter=rules))


def decide(ledger: Ledger, call: WriteCall) -> None:
    """Have a call decided; all of it must be accepted."""
    for outcome in ledger.writer.decide(call):
        if outcome.refusal is not None:
            raise RuntimeError(f"refused: {outcome.refusal}")


def _until() -> int:
    return clock.deadline(CALL_SECONDS)
