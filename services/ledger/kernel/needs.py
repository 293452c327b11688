"""What deciding a command looks at, so that it can be loaded before.

`needs` is asked again after each loading, since what is found tells what else is needed (a refund its
transfer, the transfer its accounts, an account its pending transfers), until nothing is missing. Forgetting
something here shows at once: looking at what was never loaded is a KeyError, not an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.ledger.kernel import charters, payload
from services.ledger.kernel.buckets import parse
from services.ledger.kernel.limits import counts_by_rules
from services.ledger.kernel.state import Account, Currency, Key, State
from shared.contracts import commands
from shared.contracts.charters import accounts_named, read
from shared.contracts.commands import Command, Leg, Transfer
from shared.contracts.primitives import HOLDER_KINDS


@dataclass(slots=True)
class Needs:
    """What is missing of the state."""

    currencies: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    things: set[Key] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.currencies or self.accounts or self.commands or self.things)


class Looking:
    """Goes through the state for a command, and notes what is not there. What is unknown answers None."""

    def __init__(self, state: State, now: int, missing: Needs) -> None:
        self.state = state
        self.now = now
        self.missing = missing

    def currency(self, code: str) -> Currency | None:
        """The currency, with its charter in force and the accounts that the charter names."""
        if code not in self.state.currencies:
            self.missing.currencies.add(code)
            self.thing("charters", code)
            return None
        currency = self.state.currencies[code]
        if currency is None:
            return None
        listed = self.thing("charters", code)
        if ("charters", code) not in self.state.things:
            return None
        version = 1 if listed is None else charters.version_at(listed.body["versions"], self.now)
        if (code, str(version)) not in self.state.rules:
            key = charters.charter_key(code, version)
            self.thing(*key)
            if key not in self.state.things:
                return None
        return currency

    def charters_to_come(self, currency: Currency) -> None:
        """The versions of the charter that hold after the one in force, which `currency` has looked for."""
        if ("charters", currency.code) not in self.state.things:
            return
        versions = charters.versions_of(self.state, currency)
        for version, _ in versions:
            if version > charters.version_at(versions, self.now):
                self.thing(*charters.charter_key(currency.code, version))

    def all_charters(self, currency: Currency) -> None:
        """All versions of the charter, past, in force and to come."""
        if ("charters", currency.code) not in self.state.things:
            return
        for version, _ in charters.versions_of(self.state, currency):
            if (currency.code, str(version)) not in self.state.rules:
                self.thing(*charters.charter_key(currency.code, version))

    def charters_since(self, currency: Currency, day: str) -> None:
        """The versions of the charter in force since the end of a day."""
        versions = charters.versions_of(self.state, currency)
        for version, _ in charters.held_since(versions, day, self.now):
            if (currency.code, str(version)) not in self.state.rules:
                self.thing(*charters.charter_key(currency.code, version))

    def account(self, id: str) -> Account | None:
        """The account with what settling it looks at."""
        if id not in self.state.accounts:
            self.missing.accounts.add(id)
            return None
        account = self.state.accounts[id]
        if account is None:
            return None
        currency = self.currency(account.currency)
        if currency is not None and account.kind in HOLDER_KINDS:
            self._settling(account, currency)
        return account

    def thing(self, kind: str, id: str) -> Any:
        key = (kind, id)
        if key not in self.state.things:
            self.missing.things.add(key)
            return None
        return self.state.things[key]

    def command(self, id: str) -> Any:
        """What a command of the past came to."""
        if id not in self.state.commands:
            self.missing.commands.add(id)
            return None
        return self.state.commands[id]

    def transfer(self, id: str) -> dict[str, Any] | None:
        """What the journal says of a transfer that was posted by itself or linked with others."""
        leg = self.thing("leg", id)
        known = self.command(id if leg is None else leg.body["command"])
        return None if ("leg", id) not in self.state.things else payload.posted_transfer(known, leg)

    def movement(self, code: str, payer: str, payee: str) -> None:
        """What moving units from one account to another looks at."""
        currency = self.currency(code)
        giver, _ = self.account(payer), self.account(payee)
        if currency is None:
            return
        rules = charters.rules_at(self.state, currency, self.now)
        for named in (rules.fee and rules.fee.to, rules.redemption.penalty_to):
            if named:
                self.account(named)
        if giver is not None and counts_by_rules(rules, giver):
            self.thing("spent", payer)

    def _settling(self, account: Account, currency: Currency) -> None:
        for bucket in account.special or ():
            parts = parse(bucket)
            if parts.reservation:
                self.thing("pending", parts.reservation)
            if parts.expires_on:
                self.account(currency.redemption_account)
            if parts.received_on:
                self.charters_since(currency, parts.received_on)


def needs(state: State, command: Command, now: int) -> Needs:
    """What of the state is missing to decide the command at this time; nothing, where it can be decided."""
    missing = Needs()
    looking = Looking(state, now, missing)
    looking.command(command.id)
    _LOOKING[type(command)](looking, command)
    return missing


def _transfer(looking: Looking, asked: Transfer | Leg) -> None:
    currency = looking.currency(asked.currency)
    if currency is None:
        for id in (asked.payer, asked.payee):
            if id is not None:
                looking.account(id)
        return
    payer = asked.payer or currency.issuance_account
    payee = asked.payee or currency.redemption_account
    looking.movement(asked.currency, payer, payee)


def _linked(looking: Looking, command: commands.LinkedTransfers) -> None:
    for leg in command.legs:
        _transfer(looking, leg)


def _route(looking: Looking, given: Any) -> None:
    """What is given says its currency, payer and payee."""
    looking.movement(given.currency, given.payer, given.payee)


def _pending(looking: Looking, command: commands.PostPending | commands.VoidPending) -> None:
    _terms_of(looking, "pending", command.pending)


def _schedule(looking: Looking, command: commands.CancelSchedule | commands.ExecuteSchedule) -> None:
    _terms_of(looking, "schedule", command.schedule)


def _terms_of(looking: Looking, kind: str, id: str) -> None:
    """What is remembered says its currency, payer and payee."""
    thing = looking.thing(kind, id)
    if thing is not None:
        looking.movement(thing.body["currency"], thing.body["payer"], thing.body["payee"])


def _paid(looking: Looking, command: commands.Refund | commands.Reverse) -> None:
    _given_back(looking, command.transfer)


def _correct(looking: Looking, command: commands.Correct) -> None:
    _route(looking, command)
    if command.transfer is not None:
        _corrected(looking, command.transfer)


def _corrected(looking: Looking, id: str) -> None:
    """A transfer that a correction names, and what of it has gone back."""
    looking.transfer(id)
    looking.thing("refunded", id)


def _proposal(looking: Looking, command: commands.Approve | commands.Reject) -> None:
    proposal = looking.thing("proposal", command.proposal)
    if proposal is None:
        return
    body = proposal.body
    if body["command"] == "reverse":
        looking.account(proposal.owner)
        _given_back(looking, body["transfer"])
    elif body["command"] == "correct":
        looking.movement(body["currency"], body["payer"], body["payee"])
        if body["of"] is not None:
            _corrected(looking, body["of"])
    else:
        looking_at_charter(looking, body["currency"], *accounts_named(read(body["document"])).values())


def _given_back(looking: Looking, id: str) -> None:
    """What giving back a transfer looks at."""
    paid = looking.transfer(id)
    if paid is None:
        return
    looking.thing("refunded", id)
    looking.movement(paid["currency"], paid["payee"], paid["payer"])
    currency = looking.currency(paid["currency"])
    if currency is not None and any(parse(bucket).expires_on for bucket, _ in paid.get("drawn", ())):
        looking.account(currency.redemption_account)


def _open_account(looking: Looking, command: commands.OpenAccount) -> None:
    looking.currency(command.currency)
    looking.account(command.id)


def _of_account(looking: Looking, command: Any) -> None:
    looking.account(command.account)


def _close_account(looking: Looking, command: commands.CloseAccount) -> None:
    account = looking.account(command.account)
    if command.remainder_to is not None:
        looking.account(command.remainder_to)
    if account is None or (currency := looking.currency(account.currency)) is None:
        return
    looking.charters_to_come(currency)
    if counts_by_rules(charters.rules_at(looking.state, currency, looking.now), account):
        looking.thing("spent", account.id)


def _amend_charter(looking: Looking, command: commands.AmendCharter) -> None:
    looking_at_charter(looking, command.currency, *accounts_named(command.charter).values())


def looking_at_charter(looking: Looking, code: str, *named: str) -> None:
    """What proposing and adopting a charter looks at: the versions before, and the accounts that it names."""
    currency = looking.currency(code)
    if currency is not None:
        looking.all_charters(currency)
    for id in named:
        looking.account(id)


def _create_currency(looking: Looking, command: commands.CreateCurrency) -> None:
    looking.currency(command.code)
    for account in payload.own_accounts(payload.currency_fields(command, looking.state.header.partition)):
        looking.account(account["id"])


_LOOKING: dict[type, Callable[[Looking, Any], None]] = {
    commands.Transfer: _transfer,
    commands.LinkedTransfers: _linked,
    commands.PostPending: _pending,
    commands.VoidPending: _pending,
    commands.Refund: _paid,
    commands.Reverse: _paid,
    commands.Correct: _correct,
    commands.Approve: _proposal,
    commands.Reject: _proposal,
    commands.CreateSchedule: _route,
    commands.CancelSchedule: _schedule,
    commands.ExecuteSchedule: _schedule,
    commands.OpenAccount: _open_account,
    commands.ChangeLimits: _of_account,
    commands.TagAccount: _of_account,
    commands.SetDelegate: _of_account,
    commands.FreezeAccount: _of_account,
    commands.UnfreezeAccount: _of_account,
    commands.CloseAccount: _close_account,
    commands.Settle: _of_account,
    commands.CreateCurrency: _create_currency,
    commands.AmendCharter: _amend_charter,
}
