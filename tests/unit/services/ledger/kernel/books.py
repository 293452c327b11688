"""A small partition to try the kernel on: its own clock, ids as of that clock, and accounts in a line.

Every command is decided twice, by the whole state and by a state that holds nothing but what `needs` asked
for, so that what `needs` forgets shows; and a third time by the short way, where it is a plain payment. Every
record is verified, and the books are looked through after it.
"""

import secrets
from typing import Any

from services.ledger.journal import recomputing
from services.ledger.kernel.apply import apply
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.needs import needs
from services.ledger.kernel.plain import PlainPayments
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Account, State, whole_state
from shared.auth.principal import OPERATOR, TIMEKEEPER, Principal
from shared.contracts import clock, ids
from shared.contracts.charters import Charter, LimitClause
from shared.contracts.commands import (
    AmendCharter,
    Approve,
    Command,
    CreateCurrency,
    FreezeAccount,
    Leg,
    OpenAccount,
    SetDelegate,
    Transfer,
    UnfreezeAccount,
)
from shared.contracts.errors import Refusal
from tests.support.ledger import OPERATOR_PRINCIPAL, member, principal

SECOND = clock.MICROSECONDS
DAY = 24 * 3600 * SECOND
START = clock.from_text("2026-11-23T10:00:00Z")
SECOND_OPERATOR = principal("another-operator", OPERATOR)
CLOCK_WORK = principal("ledger-jobs", TIMEKEEPER)
ROWS = [LimitClause(kind="member"), LimitClause(kind="organisation")]


def rows(**limits: Any) -> list[LimitClause]:
    """The same limits for all kinds of accounts."""
    return [LimitClause(kind="member", **limits), LimitClause(kind="organisation", **limits)]


class Books:
    """The partition. `who` is by default who usually gives such a command."""

    def __init__(self, *codes: str) -> None:
        self.now = START
        self.state: State = whole_state(0, ids.new_id())
        self.records: list[Record] = []
        self._recomputed = recomputing.Books(0)
        for code in codes:
            self.currency(code)

    # The clock

    def at(self, text: str) -> None:
        """Let it be a moment that lies ahead, such as "2026-12-01" or "2026-12-01T08:30"."""
        moment = clock.from_text(text + ("T00:00:00Z" if "T" not in text else ":00Z"))
        assert moment >= self.now
        self.now = moment

    def later(self, us: int) -> None:
        self.now += us

    def id(self) -> str:
        return ids.new_id(now_ms=self.now // 1000)

    # Commands

    def submit(self, command: Command, who: Principal | None = None) -> Record | Refusal:
        if self.state.commands[command.id] is not None:
            raise AssertionError("this id has been used")
        random_bytes = secrets.token_bytes(RANDOM_BYTES)
        giver = who or self._usual(command)
        decision = decide(self._needed(command), command, giver, self.now, random_bytes)
        by_all = decide(self.state, command, giver, self.now, random_bytes)
        assert repr(decision) == repr(by_all)
        shortly = PlainPayments(self.state, self.now).decide(command, giver, random_bytes)
        assert shortly is None or shortly == decision
        if isinstance(decision, Record):
            apply(self.state, decision)
            self._recomputed.add(decision)
            self.records.append(decision)
            self._look_through()
        return decision

    def accept(self, command: Command, who: Principal | None = None) -> Record:
        decision = self.submit(command, who)
        assert isinstance(decision, Record), decision
        return decision

    def refuse(self, slug: str, command: Command, who: Principal | None = None) -> Refusal:
        before = self.state.header.sequence
        decision = self.submit(command, who)
        assert isinstance(decision, Refusal), decision
        assert decision.slug == slug, decision
        assert "{" not in decision.detail, f"{decision.detail} lacks a parameter"
        assert self.state.header.sequence == before
        return decision

    def pay(self, payer: str, payee: str, amount: int, currency: str = "PUMA", **more: Any) -> Transfer:
        fields = {"kind": "payment", "id": self.id(), **more}
        return Transfer(payer=payer, payee=payee, amount=amount, currency=currency, **fields)

    def issue(self, payee: str, amount: int, currency: str = "PUMA", **more: Any) -> Transfer:
        fields = {"kind": "issuance", "id": self.id(), **more}
        return Transfer(payee=payee, amount=amount, currency=currency, **fields)

    def redeem(self, payer: str, amount: int, currency: str = "PUMA", **more: Any) -> Transfer:
        fields = {"kind": "redemption", "id": self.id(), **more}
        return Transfer(payer=payer, amount=amount, currency=currency, **fields)

    def reserve(self, payer: str, payee: str, amount: int, seconds: int = 3600, **more: Any) -> Transfer:
        return self.pay(payer, payee, amount, pending_seconds=seconds, **more)

    # What commands act on

    def currency(self, code: str = "PUMA", kind: Any = "backed", **clauses: Any) -> None:
        charter = _charter(code, kind, clauses)
        self.accept(
            CreateCurrency(
                id=self.id(),
                code=code,
                names=charter.names,
                minor_units=100,
                kind=kind,
                territory="seville",
                charter=charter,
            )
        )

    def amend(self, code: str = "PUMA", kind: Any = "backed", **clauses: Any) -> None:
        """Let a next version of the charter hold, which a second person has approved."""
        listed = self.state.things["charters", code]
        assert listed is not None
        version = len(listed.body["versions"]) + 1
        proposal = AmendCharter(
            id=self.id(),
            currency=code,
            version=version,
            valid_from=self.now + SECOND,
            charter=_charter(code, kind, clauses),
        )
        self.accept(proposal)
        self.accept(Approve(id=self.id(), proposal=proposal.id), SECOND_OPERATOR)
        self.later(SECOND)

    def account(self, issued: int = 0, currency: str = "PUMA", *, holder: str = "", **more: Any) -> str:
        fields = {"kind": "member", "holder": holder or ids.new_id(), **more}
        id = ids.new_account_id(0, now_ms=self.now // 1000)
        self.accept(OpenAccount(id=id, currency=currency, **fields))
        if issued:
            self.accept(self.issue(id, issued, currency))
        return id

    def allow(
        self, account: str, *rights: Any, who: Principal | None = None, limit: int | None = None
    ) -> Principal:
        """Let somebody operate an account."""
        somebody = who or member(ids.new_id())
        command = SetDelegate(
            id=self.id(), account=account, subject=somebody.subject, rights=list(rights), per_transfer=limit
        )
        self.accept(command, self.holder(account))
        return somebody

    def freeze(self, account: str, direction: Any = "all") -> None:
        self.accept(
            FreezeAccount(id=self.id(), account=account, direction=direction, reason="a loss was reported")
        )

    def unfreeze(self, account: str) -> None:
        self.accept(UnfreezeAccount(id=self.id(), account=account))

    # What is

    def found(self, account: str) -> Account:
        account_found = self.state.accounts[account]
        assert account_found is not None
        return account_found

    def holder(self, account: str) -> Principal:
        holder = self.found(account).holder
        assert holder is not None
        return member(holder)

    def total(self, account: str) -> int:
        """What an account holds in all by now, with what time has done."""
        draft = Draft(self.state, self.now)
        return draft.total(draft.account(account))

    def held(self, account: str) -> dict[str, int]:
        """What an account holds by buckets by now, with what time has done."""
        draft = Draft(self.state, self.now)
        return draft.buckets(draft.account(account))

    def thing(self, kind: str, id: str) -> dict[str, Any]:
        thing = self.state.things[kind, id]
        assert thing is not None
        return thing.body

    def redeemed(self, currency: str = "PUMA") -> int:
        """What has come to the currency's account of redeemed and lapsed units."""
        found = self.state.currencies[currency]
        assert found is not None
        return self.found(found.redemption_account).total

    def _usual(self, command: Command) -> Principal:
        if isinstance(command, Transfer) and command.kind != "issuance" and command.payer is not None:
            account = self.state.accounts[command.payer]
            if account is not None and account.holder is not None:
                return member(account.holder)
        return OPERATOR_PRINCIPAL

    def _needed(self, command: Command) -> State:
        part, whole = State(self.state.header, self.state.next_account), self.state
        while missing := needs(part, command, self.now):
            for name in ("currencies", "accounts", "commands", "things"):
                asked = getattr(missing, name)
                assert not asked & getattr(part, name).keys(), f"{asked} was loaded already"
                getattr(part, name).update({each: getattr(whole, name)[each] for each in asked})
        return part

    def _look_through(self) -> None:
        sums: dict[str, int] = {}
        for account in self.state.accounts.values():
            assert account is not None
            assert account.total == sum(account.buckets.values())
            assert all(held > 0 for bucket, held in account.buckets.items() if bucket != PLAIN)
            sums[account.currency] = sums.get(account.currency, 0) + account.total
        assert not any(sums.values())


def transfer(record: Record) -> dict[str, Any]:
    """What a record says of its transfer."""
    fields: dict[str, Any] = record.payload["transfer"]
    return fields


def leg(payer: str | None, payee: str | None, amount: int, currency: str = "PUMA", **more: Any) -> Leg:
    return Leg(payer=payer, payee=payee, amount=amount, currency=currency, **more)


def _charter(code: str, kind: Any, clauses: dict[str, Any]) -> Charter:
    fields = {"limits": ROWS, **clauses}
    return Charter(names={"en": code}, kind=kind, minor_units=100, **fields)
