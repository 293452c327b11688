"""The books as the journal alone leads to them, with every promise of a record checked on the way.

It is written apart from the kernel on purpose: a mistake there must not prove itself.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.ledger.journal.report import Fault
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import GENESIS, Record, canonical, chain, committed_note, note_hash
from services.ledger.kernel.state import first_account
from shared.contracts.journal import TIMELINE_BEGUN
from shared.contracts.money import MAX_AMOUNT

CHANGEABLE = frozenset(("floor", "ceiling", "territory", "category", "terms"))
BUCKET_PARTS = 4


class Line(NamedTuple):
    """An entry as its table must have it; `total` is None where it equals the balance."""

    account: int
    bucket: str
    amount: int
    balance: int
    total: int | None


class Remembered(NamedTuple):
    """A thing as its table must have it."""

    owner: str | None
    due_at: int | None
    body: str


@dataclass(slots=True)
class Account:
    """An account as records opened and changed it, and what it holds by now."""

    number: int
    fields: dict[str, Any]
    opened_at: int
    total: int = 0
    buckets: dict[str, int] = field(default_factory=lambda: {PLAIN: 0})


class Books:
    """What the records so far have led to."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.timeline: str | None = None
        self.sequence = 0
        self.hash = GENESIS
        self.recorded_at = 0
        self.entries = 0
        self.accounts: dict[str, Account] = {}
        self.closed: set[str] = set()
        self.currencies: dict[str, dict[str, Any]] = {}
        self.things: dict[tuple[str, str], Remembered] = {}

    def add(self, record: Record) -> list[Line]:
        """Check that the record follows, and book it. Returns the lines that it leads to. Raises Fault."""
        self._check_chain(record)
        _check_note(record)
        try:
            lines = self._follow(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Fault(f"record {record.sequence} does not say what a record says: {error!r}") from error
        self.timeline = record.timeline
        self.sequence, self.hash, self.recorded_at = record.sequence, record.hash, record.recorded_at
        self.entries += len(lines)
        return lines

    def sums(self) -> dict[str, int]:
        """The sum of all balances, by currency."""
        sums = dict.fromkeys(self.currencies, 0)
        for account in self.accounts.values():
            sums[account.fields["currency"]] += account.total
        return sums

    def check_reservations(self) -> None:
        """Units are reserved for pending transfers of their account alone. Raises Fault."""
        for id, account in self.accounts.items():
            for bucket, balance in account.buckets.items():
                reservation = bucket.rpartition("|")[2]
                if not (balance and reservation):
                    continue
                pending = self.things.get(("pending", reservation))
                if pending is None or pending.owner != id:
                    raise Fault(
                        f"account {id} holds {balance} reserved for {reservation}, which is no "
                        "pending transfer from it"
                    )

    def _check_chain(self, record: Record) -> None:
        name = f"record {self.sequence + 1}"
        if record.sequence != self.sequence + 1:
            raise Fault(f"{name} is missing: record {record.sequence} follows record {self.sequence}")
        if record.hash != chain(self.hash, record.salt, record.header, record.body):
            raise Fault(f"{name} does not have the hash that its bytes and its predecessor lead to")
        if record.partition != self.partition:
            raise Fault(f"{name} says that it belongs to partition {record.partition}")
        if record.recorded_at < self.recorded_at:
            raise Fault(f"{name} was recorded before its predecessor")

    def _follow(self, record: Record) -> list[Line]:
        payload = record.payload
        if record.command != _named(payload):
            raise Fault(
                f"record {record.sequence} is kept under the id {record.command}, which it does not name"
            )
        self._check_timeline(record)
        currency = payload.get("currency")
        if currency is not None:
            self._create(record, currency)
        for account in payload["accounts"]:
            self._open(record, account)
        for id, changed in payload.get("changes", ()):
            self._change(record, id, changed)
        lines = self._book(record)
        self._close(record)
        for kind, id, owner, due_at, body in payload.get("sets", ()):
            self._set(record, (kind, id), owner, due_at, body)
        return lines

    def _check_timeline(self, record: Record) -> None:
        """A timeline ends with the record that begins the next one, and says so."""
        begun = record.payload.get("timeline")
        if self.timeline is None or record.timeline == self.timeline:
            sound = begun is None
        else:
            sound = begun == {"before": self.timeline, "id": record.timeline}
        if not sound or (begun is not None) != (record.type == TIMELINE_BEGUN):
            raise Fault(f"record {record.sequence} does not go on in the timeline of its predecessor")

    def _create(self, record: Record, currency: dict[str, Any]) -> None:
        if currency["code"] in self.currencies:
            raise Fault(f"record {record.sequence} creates currency {currency['code']} a second time")
        self.currencies[currency["code"]] = currency | {"created_at": record.recorded_at}

    def _open(self, record: Record, account: dict[str, Any]) -> None:
        name = f"record {record.sequence}"
        if account["id"] in self.accounts:
            raise Fault(f"{name} opens account {account['id']} a second time")
        if account["currency"] not in self.currencies:
            raise Fault(f"{name} opens an account in {account['currency']}, which does not exist")
        number = first_account(self.partition) + len(self.accounts)
        self.accounts[account["id"]] = Account(number, {"terms": {}} | account, record.recorded_at)

    def _change(self, record: Record, id: str, changed: dict[str, Any]) -> None:
        name = f"record {record.sequence}"
        account = self.accounts.get(id)
        if account is None:
            raise Fault(f"{name} changes account {id}, which was never opened")
        if not changed or not changed.keys() <= CHANGEABLE:
            raise Fault(f"{name} changes {', '.join(sorted(changed)) or 'nothing'} of account {id}")
        if account.fields["holder"] is None:
            raise Fault(f"{name} changes account {id}, which is its currency's own")
        account.fields = account.fields | changed

    def _close(self, record: Record) -> None:
        """An account that a record closes is empty from then on; nothing opens it again."""
        for id, changed in record.payload.get("changes", ()):
            closed = bool(changed.get("terms", self.accounts[id].fields["terms"]).get("closed"))
            if closed and any(self.accounts[id].buckets.values()):
                raise Fault(f"record {record.sequence} closes account {id}, which is not empty")
            if id in self.closed and not closed:
                raise Fault(f"record {record.sequence} opens account {id} again")
            if closed:
                self.closed.add(id)

    def _book(self, record: Record) -> list[Line]:
        name = f"record {record.sequence}"
        sums: dict[str, int] = defaultdict(int)
        gains: dict[str, int] = defaultdict(int)
        booked: list[tuple[Account, str, int, int]] = []
        for entry in record.payload["entries"]:
            account_id, bucket, amount, _ = entry
            account = self.accounts.get(account_id)
            if account is None:
                raise Fault(f"{name} books on account {account_id}, which was never opened")
            balance = _move(name, account, entry)
            sums[account.fields["currency"]] += amount
            gains[account_id] += amount
            booked.append((account, bucket, amount, balance))
        if len({(account.number, bucket) for account, bucket, *_ in booked}) != len(booked):
            raise Fault(f"{name} books on the same units twice")
        for id, gain in gains.items():
            _check_total(name, self.accounts[id], gain)
            if id in self.closed:
                raise Fault(f"{name} books on account {id}, which is closed")
        for currency, amount in sums.items():
            if amount:
                raise Fault(f"the entries of {name} sum to {amount} in {currency} instead of zero")
        return [
            Line(a.number, bucket, amount, balance, beside(a.total, balance))
            for a, bucket, amount, balance in booked
        ]

    def _set(
        self, record: Record, key: tuple[str, str], owner: str | None, due_at: int | None, body: Any
    ) -> None:
        if body is None:
            if self.things.pop(key, None) is None:
                raise Fault(f"record {record.sequence} forgets {' '.join(key)}, which it does not know")
        else:
            self.things[key] = Remembered(owner, due_at, canonical(body).decode())


def beside(total: int, balance: int) -> int | None:
    """An account's total as it stands beside a balance: left out where it is the same."""
    return None if total == balance else total


def _move(name: str, account: Account, entry: list[Any]) -> int:
    """Book one entry; the balance after it."""
    id, bucket, amount, after = entry
    if bucket != PLAIN and (bucket.count("|") != BUCKET_PARTS - 1 or not bucket.strip("|")):
        raise Fault(f"{name} books on {bucket!r} of account {id}, which names no units")
    balance: int = account.buckets.get(bucket, 0) + amount
    if balance != after:
        raise Fault(f"{name} states {after} as the balance of account {id}; it is {balance}")
    if amount == 0 or abs(balance) > MAX_AMOUNT:
        raise Fault(f"{name} books {amount} on account {id}, which leaves {balance}: neither can be")
    if amount < 0 and balance < (account.fields["floor"] if bucket == PLAIN else 0):
        raise Fault(f"{name} leaves account {id} at {balance}, outside of its limits")
    if balance == 0 and bucket != PLAIN:
        del account.buckets[bucket]
    else:
        account.buckets[bucket] = balance
    account.total += amount
    return balance


def _check_total(name: str, account: Account, gain: int) -> None:
    id, total = account.fields["id"], account.total
    if total != sum(account.buckets.values()) or abs(total) > MAX_AMOUNT:
        raise Fault(f"{name} leaves account {id} at {total}, which its units do not add up to")
    if gain > 0 and total > account.fields["ceiling"]:
        raise Fault(f"{name} leaves account {id} at {total}, outside of its limits")


def _check_note(record: Record) -> None:
    if record.note is not None and note_hash(record.note) != committed_note(record.payload):
        raise Fault(f"the note of record {record.sequence} is not the one that the record commits to")


def _named(payload: dict[str, Any]) -> Any:
    """The id of the command that a record's payload names."""
    if "command" in payload:
        return payload["command"]
    named = payload.get("transfer") or payload.get("currency") or payload["accounts"][0]
    return named["id"]
