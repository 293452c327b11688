"""The kernel under test, held against the model after every command, and against its journal at the end."""

import hashlib
from datetime import date
from typing import Any

from services.ledger.journal.recomputing import Books
from services.ledger.kernel.apply import apply
from services.ledger.kernel.buckets import parse
from services.ledger.kernel.decide import RANDOM_BYTES, decide
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.needs import needs
from services.ledger.kernel.recall import recall
from services.ledger.kernel.record import SALT_BYTES, Record, StoredRefusal, chain, content_hash, unseal
from services.ledger.kernel.state import State, Thing, whole_state
from shared.auth.principal import Principal
from shared.contracts import ids
from shared.contracts.commands import Command
from shared.contracts.errors import Refusal
from tests.support.model import terms
from tests.support.model.book import Book, Kind
from tests.support.model.ledger import Answer, Model

TIMELINE = ids.derived_id("timeline")


class Kernel:
    """A partition in memory. Every command is decided twice: by all that there is, and by what it needs."""

    def __init__(self) -> None:
        self.state = whole_state(0, TIMELINE)
        self.records: list[Record] = []
        self.entropy = 0

    @property
    def last_moment(self) -> int:
        return self.state.header.recorded_at

    def submit(self, command: Command, who: Principal, now: int) -> Answer:
        self.entropy += 1
        random_bytes = hashlib.sha512(str(self.entropy).encode()).digest()[:RANDOM_BYTES]
        by_all = _decided(self.state, command, who, now, random_bytes)
        by_needs = _decided(self._what_it_needs(command, now), command, who, now, random_bytes)
        assert _comparable(by_all) == _comparable(by_needs), f"needs() forgets something of {command}"
        if isinstance(by_all, Refusal) and by_all.problem.final:
            salt = random_bytes[:SALT_BYTES]
            self.state.commands[command.id] = StoredRefusal(
                *(command.id, who.subject, salt, content_hash(salt, command)),
                *(by_all.slug, by_all.parameters, now),
            )
        if isinstance(by_all, Record) and self.state.commands[command.id] is None:
            apply(self.state, by_all)
            self.records.append(by_all)
        if isinstance(by_all, Record):
            return Answer(None, frozenset(by_all.payload.get("warnings", ())))
        return Answer(by_all.slug)

    def _what_it_needs(self, command: Command, now: int) -> State:
        header, whole = self.state.header, self.state
        part = State(header, whole.next_account)
        for _ in range(20):
            missing = needs(part, command, now)
            if not missing:
                return part
            part.currencies.update({name: whole.currencies[name] for name in missing.currencies})
            part.accounts.update({name: whole.accounts[name] for name in missing.accounts})
            part.commands.update({name: whole.commands[name] for name in missing.commands})
            part.things.update({name: whole.things[name] for name in missing.things})
        raise AssertionError(f"needs() finds no end for {command}: {missing}")


def _decided(
    state: State, command: Command, who: Principal, now: int, random_bytes: bytes
) -> Record | StoredRefusal | Refusal:
    try:
        known = recall(state, command, who)
    except Refusal as refusal:
        return refusal
    return known or decide(state, command, who, now, random_bytes)


def _comparable(decision: Record | StoredRefusal | Refusal) -> Any:
    return repr(decision) if isinstance(decision, Refusal) else decision


def check_equal(model: Model, kernel: Kernel, now: int) -> None:
    """Both know the same accounts, and each account holds the same units within the same limits, once time
    has done what it does.
    """
    book, state = model.at(now), kernel.state
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
