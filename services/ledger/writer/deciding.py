"""From calls to a batch: load what is not known, decide in order, apply, and gather what must be written.

The state in memory runs ahead of the database until the batch is committed; where it is not, `Decider.reload`
forgets the state and begins again from the database.
"""

import os
from collections.abc import Iterable
from typing import Any

from services.ledger import views
from services.ledger.kernel import payload
from services.ledger.kernel.apply import apply
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.recall import recall
from services.ledger.kernel.record import SALT_BYTES, Record, StoredRefusal, content_hash
from services.ledger.kernel.state import Header, Known, State
from services.ledger.writer.calls import Item, PendingCall, refused
from services.ledger.writer.store import Batch, Change, Line, Partition, Store
from shared.contracts import clock, ids
from shared.contracts.commands import Command, CreateCurrency, OpenAccount, Outcome
from shared.contracts.errors import Refusal

MAX_CACHED_ACCOUNTS = 200_000
MAX_CACHED_CURRENCIES = 10_000
"""Codes and ids that do not exist count as well, so that asking for many of them fills no memory."""
CLOCK_TOLERANCE_US = 60 * clock.MICROSECONDS
"""By how much the clock may be behind the last record, before nothing is written any more."""


class Decider:
    """Decides for one partition. Used by the writer's thread alone."""

    def __init__(self, store: Store, partition: Partition) -> None:
        self._store = store
        self._term = partition.term
        self.reload(partition)

    def reload(self, partition: Partition) -> None:
        """Forget everything and go on from what the database says."""
        header = Header(
            partition.id,
            partition.timeline,
            partition.last_sequence,
            partition.last_hash,
            partition.recorded_at,
        )
        self._state = State(header, self._store.next_account(partition.id))

    def decide(self, calls: list[PendingCall], clock_us: int) -> Batch:
        """Fill in the outcomes of all calls, as they will stand once the batch is written. May raise
        StoreError.
        """
        header = self._state.header
        batch = Batch(
            id=ids.new_id(),
            partition=header.partition,
            term=self._term,
            before=header.sequence,
            sequence=header.sequence,
            hash=header.hash,
            recorded_at=header.recorded_at,
        )
        if clock_us < header.recorded_at - CLOCK_TOLERANCE_US:
            for call in calls:
                call.refuse(Refusal("clock-behind"))
            return batch
        self._load([item.command for call in calls for item in call.items])
        moment = _Moment(self._state, batch, max(clock_us, header.recorded_at), clock_us)
        for call in calls:
            for item in call.items:
                call.outcomes[item.position] = moment.decide(item)
        moment.close()
        return batch

    def _load(self, commands: list[Command]) -> None:
        state = self._state
        if len(state.accounts) > MAX_CACHED_ACCOUNTS:
            state.accounts = {}
        if len(state.currencies) > MAX_CACHED_CURRENCIES:
            state.currencies = {}
        codes = {_code_of(command) for command in commands}
        if missing := codes - state.currencies.keys():
            state.currencies.update(dict.fromkeys(missing))
            state.currencies.update({c.code: c for c in self._store.load_currencies(missing)})
        accounts = {account for command in commands for account in self._accounts_of(command)}
        if missing := accounts - state.accounts.keys():
            state.accounts.update(dict.fromkeys(missing))
            state.accounts.update({a.id: a for a in self._store.load_accounts(missing)})
        named = {command.id for command in commands}
        state.commands = dict.fromkeys(named)
        for known in self._store.load_commands(state.header.partition, named):
            state.commands[known.command] = known

    def _accounts_of(self, command: Command) -> Iterable[str]:
        """The accounts that deciding the command looks at."""
        if isinstance(command, OpenAccount):
            return (command.id,)
        if isinstance(command, CreateCurrency):
            fields = payload.currency_fields(command, self._state.header.partition)
            return (fields["issuance_account"], fields["redemption_account"])
        given = [account for account in (command.payer, command.payee) if account is not None]
        currency = self._state.currencies[command.currency]
        if currency is not None and len(given) < 2:
            given += [currency.issuance_account, currency.redemption_account]
        return given


class _Moment:
    """One batch being decided: all its commands have the same time."""

    def __init__(self, state: State, batch: Batch, now: int, clock_us: int) -> None:
        self._state = state
        self._batch = batch
        self._now = now
        # Deadlines go by the clock alone: records may be a little ahead of it.
        self._clock_us = clock_us
        self._touched: dict[tuple[str, str], None] = {}

    def decide(self, item: Item) -> Outcome:
        try:
            known = recall(self._state, item.command, item.principal)
        except Refusal as refusal:
            return refused(refusal)
        if known is not None:
            return self._answer_again(known)
        if item.not_after < self._clock_us:
            return refused(Refusal("late", not_after=clock.to_text(item.not_after)))
        random_bytes = os.urandom(RANDOM_BYTES)
        decision = decide(self._state, item.command, item.principal, self._now, random_bytes)
        if isinstance(decision, Refusal):
            if decision.problem.final:
                self._keep(item, decision, random_bytes[:SALT_BYTES])
            return refused(decision)
        apply(self._state, decision)
        self._gather(decision)
        return Outcome(view=self._view(decision))

    def close(self) -> None:
        """State in the batch how the partition stands after it."""
        header, batch = self._state.header, self._batch
        batch.sequence, batch.hash, batch.recorded_at = header.sequence, header.hash, header.recorded_at
        for account_id, bucket in self._touched:
            account = self._state.accounts[account_id]
            assert account is not None
            balance = account.balance_of(bucket)
            total = account.total if bucket == PLAIN and account.total != balance else None
            batch.changes.append(Change(account.number, balance, total, bucket))

    def _answer_again(self, known: Known) -> Outcome:
        if isinstance(known, Record):
            return Outcome(view=self._view(known), replayed=True)
        return refused(Refusal(known.slug, **known.parameters), replayed=True)

    def _keep(self, item: Item, refusal: Refusal, salt: bytes) -> None:
        stored = StoredRefusal(
            command=item.command.id,
            principal=item.principal.subject,
            salt=salt,
            content=content_hash(salt, item.command),
            slug=refusal.slug,
            parameters=refusal.parameters,
            recorded_at=self._now,
        )
        self._state.commands[item.command.id] = stored
        self._batch.refusals.append(stored)

    def _gather(self, record: Record) -> None:
        batch, state = self._batch, self._state
        batch.records.append(record)
        for fields in record.payload["accounts"]:
            account = state.accounts[fields["id"]]
            assert account is not None
            batch.accounts.append(account)
            self._touched[account.id, PLAIN] = None
        if "currency" in record.payload:
            currency = state.currencies[record.payload["currency"]["code"]]
            assert currency is not None
            batch.currencies.append(currency)
        for account_id, bucket, amount, balance in record.payload["entries"]:
            account = state.accounts[account_id]
            assert account is not None
            total = None if account.total == balance else account.total
            batch.lines.append(Line(account.number, record.sequence, amount, balance, total, bucket))
            self._touched[account_id, bucket] = None
            self._touched[account_id, PLAIN] = None

    def _view(self, record: Record) -> dict[str, Any]:
        code = _currency_of(record)
        currency = self._state.currencies[code]
        assert currency is not None
        return views.record_view(record, currency.minor_units)


def _code_of(command: Command) -> str:
    return command.code if isinstance(command, CreateCurrency) else command.currency


def _currency_of(record: Record) -> str:
    opened = record.payload["accounts"]
    code: str = opened[0]["currency"] if opened else record.payload["transfer"]["currency"]
    return code
