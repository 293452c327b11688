"""The books as the journal alone leads to them, with every promise of a record checked on the way.

It is written apart from the kernel on purpose: a mistake there must not prove itself.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.ledger.journal.report import Fault
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import GENESIS, Record, chain, note_hash
from services.ledger.kernel.state import first_account
from shared.contracts.money import MAX_AMOUNT


class Line(NamedTuple):
    """An entry as its table must have it."""

    account: int
    bucket: str
    amount: int
    balance: int
    total: int


@dataclass(slots=True)
class Account:
    """An account as its record opened it, and what it holds by now."""

    number: int
    fields: dict[str, Any]
    opened_at: int
    total: int = 0
    buckets: dict[str, int] = field(default_factory=lambda: {PLAIN: 0})


class Books:
    """What the records so far have led to."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.sequence = 0
        self.hash = GENESIS
        self.recorded_at = 0
        self.entries = 0
        self.accounts: dict[str, Account] = {}
        self.currencies: dict[str, dict[str, Any]] = {}

    def add(self, record: Record) -> list[Line]:
        """Check that the record follows, and book it. Returns the lines that it leads to. Raises Fault."""
        self._check_chain(record)
        _check_note(record)
        currency = record.payload.get("currency")
        if currency is not None:
            if currency["code"] in self.currencies:
                raise Fault(f"record {record.sequence} creates currency {currency['code']} a second time")
            self.currencies[currency["code"]] = currency | {"created_at": record.recorded_at}
        for account in record.payload["accounts"]:
            self._open(record, account)
        lines = self._book(record)
        self.sequence, self.hash, self.recorded_at = record.sequence, record.hash, record.recorded_at
        self.entries += len(lines)
        return lines

    def sums(self) -> dict[str, int]:
        """The sum of all balances, by currency."""
        sums = dict.fromkeys(self.currencies, 0)
        for account in self.accounts.values():
            sums[account.fields["currency"]] += account.total
        return sums

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
        if record.command != _named(record):
            raise Fault(f"{name} is kept under the id {record.command}, which it does not name")

    def _open(self, record: Record, account: dict[str, Any]) -> None:
        name = f"record {record.sequence}"
        if account["id"] in self.accounts:
            raise Fault(f"{name} opens account {account['id']} a second time")
        if account["currency"] not in self.currencies:
            raise Fault(f"{name} opens an account in {account['currency']}, which does not exist")
        number = first_account(self.partition) + len(self.accounts)
        self.accounts[account["id"]] = Account(number, account, record.recorded_at)

    def _book(self, record: Record) -> list[Line]:
        name = f"record {record.sequence}"
        sums: dict[str, int] = defaultdict(int)
        touched: list[tuple[Account, str, int, int]] = []
        for account_id, bucket, amount, after in record.payload["entries"]:
            account = self.accounts.get(account_id)
            if account is None:
                raise Fault(f"{name} books on account {account_id}, which was never opened")
            balance = account.buckets.get(bucket, 0) + amount
            if balance != after:
                raise Fault(f"{name} states {after} as the balance of account {account_id}; it is {balance}")
            if abs(balance) > MAX_AMOUNT:
                raise Fault(f"{name} takes account {account_id} beyond what can be counted")
            account.buckets[bucket] = balance
            account.total += amount
            sums[account.fields["currency"]] += amount
            touched.append((account, bucket, amount, balance))
        for account, *_ in touched:
            if not account.fields["floor"] <= account.total <= account.fields["ceiling"]:
                raise Fault(
                    f"{name} leaves account {account.fields['id']} at {account.total}, outside of its limits"
                )
        for currency, amount in sums.items():
            if amount:
                raise Fault(f"the entries of {name} sum to {amount} in {currency} instead of zero")
        return [Line(a.number, bucket, amount, balance, a.total) for a, bucket, amount, balance in touched]


def _check_note(record: Record) -> None:
    committed = record.payload.get("transfer", {}).get("note")
    if record.note is not None and note_hash(record.note) != committed:
        raise Fault(f"the note of record {record.sequence} is not the one that the record commits to")


def _named(record: Record) -> Any:
    """The id of the command that a record's payload names."""
    payload = record.payload
    named = payload.get("transfer") or payload.get("currency") or payload["accounts"][0]
    return named["id"]
