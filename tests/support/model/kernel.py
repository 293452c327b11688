"""The kernel under test, held against the model after every command, and against its journal at the end."""

from datetime import date
from typing import Any

from services.ledger.journal.recomputing import Books
from services.ledger.kernel.apply import apply
from services.ledger.kernel.buckets import parse
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.needs import needs
from services.ledger.kernel.recall import recall
from services.ledger.kernel.record import SALT_BYTES, Record, chain, unseal
from services.ledger.kernel.schedules import SKIPPED_TOLD
from services.ledger.kernel.state import State, Thing, whole_state
from services.ledger.writer.calls import Item, PendingCall
from services.ledger.writer.deciding import Decider
from services.ledger.writer.store import Batch
from shared.auth.principal import Principal
from shared.contracts import ids
from shared.contracts.commands import Command, Outcome
from shared.contracts.errors import Refusal
from tests.support.model import terms
from tests.support.model.book import Book, Kind
from tests.support.model.ledger import Answer, Model
from tests.support.model.memory_store import MemoryStore

TIMELINE = ids.derived_id("timeline")
UNDECIDED = ("clock-behind", "late", "id-reused")
"""Refusals that are not the kernel's (the last one is not always)."""


class Kernel:
    """A partition in memory. Commands go through the writer's loading and deciding; what is decided there
    by what is loaded (plain payments by their short way) is decided a second time by all that there is, and a
    third time by no more than the command needs.
    """

    def __init__(self) -> None:
        self.state = whole_state(0, TIMELINE)
        self.store = MemoryStore(TIMELINE)
        self.restart()

    def restart(self) -> None:
        """Go on from what is stored, as a writer that has just begun."""
        self.decider = Decider(self.store, self.store.partition)

    @property
    def records(self) -> list[Record]:
        return self.store.records

    def submit(self, command: Command, who: Principal, clock_us: int, not_after: int) -> Answer:
        call = PendingCall([Item(0, command, who, not_after)], [None])
        batch = self.decider.decide([call], clock_us)
        (outcome,) = call.answers()
        answer = _answer(outcome, batch.records)
        if answer.refused not in UNDECIDED and not outcome.replayed:
            self._decide_again(command, who, max(clock_us, self.state.header.recorded_at), batch, outcome)
        for record in batch.records:
            apply(self.state, record)
        for refusal in batch.refusals:
            self.state.commands[refusal.command] = refusal
        if batch.records or batch.refusals:
            self.store.write(batch)
        return answer

    def _decide_again(
        self, command: Command, who: Principal, now: int, batch: Batch, outcome: Outcome
    ) -> None:
        random_bytes = bytes(RANDOM_BYTES)
        for record in batch.records:
            random_bytes = record.salt + (record.note.salt if record.note else bytes(SALT_BYTES))
        for state in (self.state, self._what_it_needs(command, now)):
            try:
                assert recall(state, command, who) is None
                again = decide(state, command, who, now, random_bytes)
            except Refusal as refusal:
                again = refusal
            if isinstance(again, Refusal):
                assert outcome.refusal == again.to_wire(), f"decided otherwise: {command}"
            else:
                [record] = batch.records
                assert _said(again) == _said(record), f"otherwise: {command}"
                if again.payload == record.payload:
                    assert _bytes_of(again) == _bytes_of(record), f"written otherwise: {command}"

    def _what_it_needs(self, command: Command, now: int) -> State:
        whole = self.state
        part = State(whole.header, whole.next_account)
        for _ in range(20):
            missing = needs(part, command, now)
            if not missing:
                return part
            part.currencies.update({name: whole.currencies[name] for name in missing.currencies})
            part.accounts.update({name: whole.accounts[name] for name in missing.accounts})
            part.commands.update({name: whole.commands[name] for name in missing.commands})
            part.things.update({name: whole.things[name] for name in missing.things})
        raise AssertionError(f"needs() finds no end for {command}: {missing}")


def _said(record: Record) -> tuple[Any, ...]:
    """What a record says, whatever the order of its entries: that is the one in which buckets were loaded."""
    said = {**record.payload, "entries": sorted(record.payload["entries"])}
    return record.type, record.sequence, record.prev_hash, record.recorded_at, said, record.note


def _bytes_of(record: Record) -> tuple[bytes, bytes, bytes]:
    return record.header, record.body, record.hash


def _answer(outcome: Outcome, records: list[Record]) -> Answer:
    if outcome.refusal is not None:
        return Answer(outcome.refusal["slug"], replayed=outcome.replayed)
    warnings = frozenset(warning for record in records for warning in record.payload.get("warnings", ()))
    return Answer(None, warnings, outcome.replayed)


def check_equal(model: Model, state: State, now: int) -> None:
    """Both know the same accounts, and each account holds the same units within the same limits, once time
    has done what it does.
    """
    book = model.at(now)
    draft = Draft(state, now)
    assert {id for id, account in state.accounts.items() if account} == set(book.accounts)
    for id in book.accounts:
        draft.account(id)
    for id, expected in book.accounts.items():
        account = draft.account(id)
        held = {_kind(bucket): amount for bucket, amount in draft.buckets(account).items()}
        assert held == book.holdings(id), f"{id} holds something else"
        assert draft.total(account) == book.total(id)
        if expected.is_held:
            limits = (draft.field(account, "floor"), draft.field(account, "ceiling"))
            assert limits == (terms.lowest(book, expected), terms.highest(book, expected))
    check_things(book, state)
    check_sums(state)


def check_things(book: Book, state: State) -> None:
    """What is reserved, proposed, scheduled and given back stands where the model has it. What has lapsed may
    still be called pending: nobody looks at it without looking at the time.
    """
    for id, reserved in book.reserved.items():
        _check_status(state.things["pending", id], reserved.status)
    for id, proposal in book.proposals.items():
        _check_status(state.things["proposal", id], proposal.status)
    for id, schedule in book.schedules.items():
        thing = state.things["schedule", id]
        assert thing is not None
        assert thing.body["status"] == schedule.status
        assert [n for n, _ in thing.body.get("skipped", ())] == list(schedule.skipped[-SKIPPED_TOLD:])
        if schedule.status == "active":
            assert (thing.body["n"], thing.body["attempt"]) == (schedule.n, schedule.attempt)
            assert thing.due_at == schedule.due_at
        else:
            assert thing.due_at is None
    for id, paid in book.paid.items():
        refunded = state.things["refunded", id]
        assert (refunded.body["amount"] if refunded else 0) == paid.gone_back


def _check_status(thing: Thing | None, status: str) -> None:
    assert thing is not None
    assert thing.body["status"] == status or (thing.body["status"], status) == ("pending", "lapsed")
    assert (thing.due_at is None) == (thing.body["status"] != "pending")


def is_unbooked(model: Model, kernel: Kernel, id: str, now: int) -> bool:
    """Whether time has done something to an account that the kernel has not booked yet."""
    book, account = model.at(now), kernel.state.accounts[id]
    if account is None or not book.accounts[id].is_held or book.accounts[id].closed:
        return False
    held = {_kind(bucket): amount for bucket, amount in account.buckets.items() if amount}
    versions = [version for version, since, _ in book.moneys[account.currency].versions if since <= now]
    return held != book.holdings(id) or account.terms.get("charter", 1) != (versions or [1])[-1]


def check_sums(state: State) -> None:
    """Buckets add up to totals, and totals to nothing."""
    sums: dict[str, int] = {}
    for account in state.accounts.values():
        assert account is not None
        assert account.total == sum(account.buckets.values())
        assert all(amount > 0 for bucket, amount in account.buckets.items() if bucket)
        sums[account.currency] = sums.get(account.currency, 0) + account.total
    assert not any(sums.values()), sums


def check_limits(before: Book, after: Book) -> None:
    """Nobody has sunk further below the lowest or risen further above the highest balance."""
    for id, account in after.accounts.items():
        if id not in before.accounts:
            continue
        sank = _plain(after, id) < _plain(before, id)
        rose = after.total(id) > before.total(id)
        lowest, highest = terms.lowest(after, account), terms.highest(after, account)
        assert not (sank and lowest is not None and _plain(after, id) < lowest), id
        assert not (rose and highest is not None and after.total(id) > highest), id


def check_journal(kernel: Kernel) -> None:
    """The journal's bytes alone lead to the same state, and whoever reads it on its own finds no fault."""
    replayed = whole_state(0, TIMELINE)
    books = Books(0)
    before = bytes(32)
    for record in kernel.records:
        assert record.hash == chain(before, record.salt, record.header, record.body)
        read = unseal(
            *(record.header, record.body, record.salt, before, record.hash, record.command, record.note)
        )
        apply(replayed, read)
        books.add(read)
        before = record.hash
    state = kernel.state
    assert replayed.header == state.header
    assert replayed.currencies == state.currencies
    assert replayed.accounts == state.accounts
    assert _existing(replayed.things) == _existing(state.things)
    assert not any(books.sums().values())
    for id, account in state.accounts.items():
        assert account is not None
        assert books.accounts[id].total == account.total


def _existing(things: dict[Any, Any]) -> dict[Any, Any]:
    return {key: thing for key, thing in things.items() if thing is not None}


def _plain(book: Book, account: str) -> int:
    return book.holdings(account).get(Kind(), 0)


def _kind(text: str) -> Kind:
    bucket = parse(text)
    return Kind(bucket.purpose, _day(bucket.expires_on), _day(bucket.received_on), bucket.reservation)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
