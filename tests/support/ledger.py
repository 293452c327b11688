"""The ledger's kernel as tests drive it: a whole state in memory, commands in a line, and who gives them."""

import secrets
from typing import Any

from services.ledger.journal import recomputing
from services.ledger.kernel.apply import apply
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.needs import needs
from services.ledger.kernel.plain import PlainPayments
from services.ledger.kernel.recall import recall
from services.ledger.kernel.record import Record, StoredRefusal
from services.ledger.kernel.state import State, whole_state
from shared.auth.principal import ADMINISTRATOR, IMPORTER, MEMBER, OPERATOR, Principal
from shared.contracts import clock, ids
from shared.contracts.charters import Charter, LimitClause
from shared.contracts.commands import Command, CreateCurrency, Leg, OpenAccount, Transfer
from shared.contracts.errors import Refusal

FAR_FUTURE = clock.from_text("2999-01-01T00:00:00Z")


def principal(subject: str, *roles: str) -> Principal:
    return Principal(subject, frozenset(roles), FAR_FUTURE)


OPERATOR_PRINCIPAL = principal("the-operator", OPERATOR, ADMINISTRATOR)
IMPORT_PRINCIPAL = principal("tools", IMPORTER)


def member(subject: str) -> Principal:
    return principal(subject, MEMBER)


def create_currency(code: str = "PUMA", **more: Any) -> CreateCurrency:
    fields = {"names": {"en": code}, "minor_units": 100, "kind": "backed", "territory": "seville", **more}
    return CreateCurrency(**{"id": ids.new_id(), "code": code, **fields})


def open_account(holder: str, currency: str = "PUMA", **more: Any) -> OpenAccount:
    fields = {"kind": "member", "holder": holder, "id": ids.new_account_id(0), **more}
    return OpenAccount(currency=currency, **fields)


def pay(payer: str | None, payee: str | None, amount: int, currency: str = "PUMA", **more: Any) -> Transfer:
    fields = {"kind": "payment", "id": ids.new_id(), **more}
    return Transfer(payer=payer, payee=payee, amount=amount, currency=currency, **fields)


def issue(payee: str, amount: int, currency: str = "PUMA", **more: Any) -> Transfer:
    return pay(None, payee, amount, currency, kind="issuance", **more)


def redeem(payer: str, amount: int, currency: str = "PUMA", **more: Any) -> Transfer:
    return pay(payer, None, amount, currency, kind="redemption", **more)


def leg(payer: str | None, payee: str | None, amount: int, currency: str = "PUMA", **more: Any) -> Leg:
    return Leg(payer=payer, payee=payee, amount=amount, currency=currency, **more)


def charter(code: str = "PUMA", **limits: Any) -> Charter:
    """A charter with the same limits for members and organisations, for `create_currency`."""
    rows = [LimitClause(kind="member", **limits), LimitClause(kind="organisation", **limits)]
    return Charter(names={"en": code}, kind="backed", minor_units=100, limits=rows)


class Books:
    """A partition in memory: commands go in one by one, records and refusals come out.

    Each is decided on what `needs` names of the state and nothing else, as the writer does, a plain payment
    by the short way too; each record is verified.
    """

    def __init__(self) -> None:
        self.timeline = ids.new_id()
        self.state: State = whole_state(0, self.timeline)
        self.records: list[Record] = []
        self._recomputed = recomputing.Books(0)

    def submit(
        self, command: Command, principal: Principal = OPERATOR_PRINCIPAL, now: int | None = None
    ) -> Record | StoredRefusal | Refusal:
        now = max(clock.now_us() if now is None else now, self.state.header.recorded_at)
        seen = self.needed(command, now)
        try:
            known = recall(seen, command, principal)
        except Refusal as refusal:
            return refusal
        if known is not None:
            return known
        random_bytes = secrets.token_bytes(RANDOM_BYTES)
        decision = decide(seen, command, principal, now, random_bytes)
        shortly = PlainPayments(self.state, now).decide(command, principal, random_bytes)
        assert shortly is None or shortly == decision
        if isinstance(decision, Record):
            apply(self.state, decision)
            self._recomputed.add(decision)
            self.records.append(decision)
        return decision

    def needed(self, command: Command, now: int) -> State:
        """The state as far as the command needs it."""
        whole = self.state
        seen = State(whole.header, whole.next_account, rules=whole.rules)
        while missing := needs(seen, command, now):
            seen.currencies |= {code: whole.currencies[code] for code in missing.currencies}
            seen.accounts |= {id: whole.accounts[id] for id in missing.accounts}
            seen.commands |= {id: whole.commands[id] for id in missing.commands}
            seen.things |= {key: whole.things[key] for key in missing.things}
        return seen

    def accepted(
        self, command: Command, principal: Principal = OPERATOR_PRINCIPAL, now: int | None = None
    ) -> Record:
        decision = self.submit(command, principal, now)
        assert isinstance(decision, Record), decision
        return decision

    def refused(
        self,
        slug: str,
        command: Command,
        principal: Principal = OPERATOR_PRINCIPAL,
        now: int | None = None,
    ) -> Refusal:
        decision = self.submit(command, principal, now)
        assert isinstance(decision, Refusal), decision
        assert decision.slug == slug, decision
        return decision

    def account(self, holder: str = "", currency: str = "PUMA", *, issued: int = 0, **more: Any) -> str:
        command = open_account(holder or ids.new_id(), currency, **more)
        self.accepted(command)
        if issued:
            self.accepted(issue(command.id, issued, currency))
        return command.id

    def total(self, account: str) -> int:
        found = self.state.accounts[account]
        assert found is not None
        return found.total
