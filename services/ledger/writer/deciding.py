"""From calls to a batch: decide in order, apply, and gather what must be written.

The state in memory runs ahead of the database until the batch is committed; where it is not, `Decider.reload`
forgets the state and begins again from the database.
"""

import io
import os
from typing import Any

from services.ledger import views
from services.ledger.kernel import access
from services.ledger.kernel.apply import apply
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.plain import Moved, PlainPayments
from services.ledger.kernel.recall import recall
from services.ledger.kernel.record import SALT_BYTES, Record, StoredRefusal, content_hash
from services.ledger.kernel.state import Account, Header, Known, State
from services.ledger.writer.calls import Item, PendingCall, refused
from services.ledger.writer.fresh import FreshIds
from services.ledger.writer.loading import Loader
from services.ledger.writer.store import PIECE, Batch, Partition, Store
from shared.contracts import clock, ids
from shared.contracts.commands import Outcome, Transfer
from shared.contracts.errors import Refusal

CLOCK_TOLERANCE_US = 60 * clock.MICROSECONDS
"""By how much the clock may be behind the last record, before nothing is written any more."""


class Decider:
    """Decides for one partition. Used by the writer's thread alone."""

    def __init__(self, store: Store, partition: Partition) -> None:
        self._store = store
        self._term = partition.term
        # What is decided later in this term is remembered, whether or not it gets written.
        self._fresh = FreshIds(store, partition.id, max(clock.now_us(), partition.recorded_at))
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
        self._loader = Loader(self._store, self._state, self._fresh)

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
        now = max(clock_us, header.recorded_at)
        plain = PlainPayments(self._state, now)
        asked = [(call, item) for call in calls for item in call.items]
        self._loader.begin([item.command for _, item in asked], now, plain)
        # Asked for once: the system takes as long for a command's as for a batch's.
        random = io.BytesIO(os.urandom(RANDOM_BYTES * len(asked)))
        moment = _Moment(self._state, self._loader, plain, random, batch, now, clock_us)
        for start in range(0, len(asked), PIECE):
            if start:
                moment.pause()
                self._store.ahead(batch)
            for call, item in asked[start : start + PIECE]:
                call.outcomes[item.position] = moment.decide(item)
        moment.close()
        return batch


class _Moment:
    """One batch being decided: all its commands have the same time."""

    def __init__(
        self,
        state: State,
        loader: Loader,
        plain: PlainPayments,
        random: io.BytesIO,
        batch: Batch,
        now: int,
        clock_us: int,
    ) -> None:
        self._state = state
        self._loader = loader
        self._plain = plain
        self._random = random
        self._batch = batch
        self._now = now
        # Deadlines go by the clock alone: records may be a little ahead of it.
        self._clock_us = clock_us
        self._touched: dict[tuple[str, str], None] = {}
        self._moved: dict[int, Account] = {}
        """Touched by plain payments, by number."""
        self._changed: dict[str, Account] = {}
        self._simple = True
        """Whether nothing but transfers of plain units has been decided, which changes no other's needs."""

    def decide(self, item: Item) -> Outcome:
        if not (self._simple and isinstance(item.command, Transfer)):
            self._loader.complete(item.command, self._now)
        try:
            known = recall(self._state, item.command, item.principal)
        except Refusal as refusal:
            return refused(refusal)
        if known is not None:
            return self._answer_again(known, item)
        if item.not_after < self._clock_us:
            return refused(Refusal("late", not_after=clock.to_text(item.not_after)))
        random_bytes = self._random.read(RANDOM_BYTES)
        decision = self._decision(item, random_bytes)
        if isinstance(decision, Refusal):
            if decision.problem.final:
                self._keep(item, decision, random_bytes[:SALT_BYTES])
            return refused(decision)
        apply(self._state, decision)
        if decision.moved is not None:
            self._gather_moved(decision, decision.moved)
        else:
            self._gather(decision)
        return Outcome(view=self._view(decision, item))

    def _decision(self, item: Item, random_bytes: bytes) -> Record | Refusal:
        if self._simple:
            record = self._plain.decide(item.command, item.principal, random_bytes)
            if record is not None:
                return record
        return decide(self._state, item.command, item.principal, self._now, random_bytes)

    def pause(self) -> None:
        """State in the batch how accounts stand by now. It is done where only plain units have been moved,
        by which nothing was opened that could not be written yet.
        """
        if self._simple:
            self._state_balances()

    def close(self) -> None:
        """State in the batch how the partition stands after it."""
        header, batch = self._state.header, self._batch
        batch.sequence, batch.hash, batch.recorded_at = header.sequence, header.hash, header.recorded_at
        self._state_balances()
        opened = {account.id for account in batch.accounts}
        batch.altered = [account for id, account in self._changed.items() if id not in opened]

    def _state_balances(self) -> None:
        accounts, changes, moved = self._state.accounts, self._batch.changes, self._moved
        for account_id, bucket in self._touched:
            account = accounts[account_id]
            assert account is not None
            balance = account.balance_of(bucket)
            total = account.total if bucket == PLAIN and account.total != balance else None
            changes.add(account.number, balance, total, bucket)
            if bucket == PLAIN:
                moved.pop(account.number, None)
        changes.add_plain({number: account.total for number, account in moved.items()})
        self._touched.clear()
        moved.clear()

    def _answer_again(self, known: Known, item: Item) -> Outcome:
        if isinstance(known, Record):
            return Outcome(view=self._view(known, item), replayed=True)
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

    def _gather_moved(self, record: Record, moved: Moved) -> None:
        """Gather what a plain payment books."""
        self._batch.records.append(record)
        self._loader.begun_transfer(record.command)
        payer, payee, amount, left, held, _ = moved
        lines, sequence = self._batch.lines, record.sequence
        lines.accounts += (payer.number, payee.number)
        lines.sequences += (sequence, sequence)
        lines.amounts += (-amount, amount)
        lines.balances += (left, held)
        lines.totals += (None, None)
        lines.buckets += (PLAIN, PLAIN)
        self._moved[payer.number] = payer
        self._moved[payee.number] = payee

    def _gather(self, record: Record) -> None:
        self._batch.records.append(record)
        self._loader.begun(record)
        payload = record.payload
        if payload["accounts"]:
            self._gather_opened(payload)
        for account_id, _ in payload.get("changes", ()):
            self._changed[account_id] = self._account(account_id)
        for kind, id, *_ in payload.get("sets", ()):
            self._batch.things[kind, id] = self._state.things[kind, id]
        plain = self._gather_lines(record)
        if not plain or payload["accounts"] or "changes" in payload or "sets" in payload:
            self._simple = False

    def _gather_opened(self, payload: dict[str, Any]) -> None:
        for fields in payload["accounts"]:
            account = self._account(fields["id"])
            self._batch.accounts.append(account)
            self._touched[account.id, PLAIN] = None
        if "currency" in payload:
            currency = self._state.currencies[payload["currency"]["code"]]
            assert currency is not None
            self._batch.currencies.append(currency)

    def _gather_lines(self, record: Record) -> bool:
        """Gather what the record books; whether it moves plain units alone."""
        plain = True
        lines, touched, sequence = self._batch.lines, self._touched, record.sequence
        accounts = self._state.accounts
        for account_id, bucket, amount, balance in record.payload["entries"]:
            account = accounts[account_id]
            assert account is not None
            total = None if account.total == balance else account.total
            lines.add(account.number, sequence, amount, balance, total, bucket)
            touched[account_id, bucket] = None
            if bucket != PLAIN:
                touched[account_id, PLAIN] = None
                plain = False
        return plain

    def _account(self, id: str) -> Account:
        account = self._state.accounts[id]
        assert account is not None
        return account

    def _view(self, record: Record, item: Item) -> dict[str, Any]:
        # Deciding has loaded the accounts of the command's transfers, also where it is known already.
        accounts, principal = self._state.accounts, item.principal

        def sees(id: str) -> bool:
            account = accounts.get(id)
            return account is not None and access.may_see(account.holder, account.terms, principal)

        return views.record_view(record, self._loader.minor_units, sees)
