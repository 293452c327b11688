"""Applying a record: the only place where balances change. The same record always has the same effect.

What `decide` has promised is asserted again here, so that a wrong record stops before it is written. Limits
hold for what a record moves: an account that new limits leave outside of them may come nearer to them.
"""

from typing import Any

from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.plain import Moved
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Account, Currency, Header, State, Thing, shared
from services.ledger.kernel.timelines import continues
from shared.contracts.money import MAX_AMOUNT

CHANGEABLE = ("category", "ceiling", "floor", "terms", "territory")
"""The fields of an account that records may change."""


class BrokenRecord(Exception):
    """A record does not follow from the state before it, or would break the books.

    The state may be changed in part by then: nobody may go on with it.
    """

    def __init__(self, record: Record, fault: str) -> None:
        super().__init__(f"record {record.sequence} {fault}")


def apply(state: State, record: Record) -> State:
    """The state after the record; it is the given one, changed. Raises BrokenRecord.

    Of accounts in the state that the record touches, all must be loaded.
    """
    header = state.header
    _check_continues(header, record)
    moved = record.moved
    if moved is not None and _are_of(state, moved):
        _move(record, moved)
    else:
        _follow(state, record)
    header.timeline = record.timeline
    header.sequence = record.sequence
    header.hash = record.hash
    header.recorded_at = record.recorded_at
    state.commands[record.command] = record
    return state


def _follow(state: State, record: Record) -> None:
    """Do all that a payload says."""
    payload = record.payload
    if payload["accounts"]:
        _open(state, record)
    if "changes" in payload:
        _change(state, record)
    if payload["entries"]:
        _book(state, record)
    for kind, id, owner, due_at, body in payload.get("sets", ()):
        state.things[kind, id] = None if body is None else Thing(owner, due_at, body)


def _are_of(state: State, moved: Moved) -> bool:
    """Whether the record was decided upon this very state, so that its accounts need not be looked for."""
    accounts = state.accounts
    return accounts.get(moved.payer.id) is moved.payer and accounts.get(moved.payee.id) is moved.payee


def _move(record: Record, moved: Moved) -> None:
    """Do what a plain payment's payload says, as `_book` does it."""
    payer, payee, amount, left, held, _ = moved
    if payer is payee or payer.currency != payee.currency or amount <= 0:
        raise BrokenRecord(record, "moves nothing")
    if payer.plain != payer.total or payee.plain != payee.total:
        raise BrokenRecord(record, "moves units that are not all alike")
    if payer.total - amount != left or payee.total + amount != held:
        raise BrokenRecord(record, "states wrong balances")
    if not payer.floor <= left >= -MAX_AMOUNT:
        raise BrokenRecord(record, f"takes {payer.id} below its limit")
    if not payee.ceiling >= held <= MAX_AMOUNT:
        raise BrokenRecord(record, f"takes {payee.id} above its limit")
    payer.total = payer.plain = left
    payee.total = payee.plain = held


def _check_continues(header: Header, record: Record) -> None:
    if record.partition != header.partition or not continues(header.timeline, record):
        raise BrokenRecord(record, "of another journal")
    if record.sequence != header.sequence + 1 or record.prev_hash != header.hash:
        raise BrokenRecord(record, f"does not follow record {header.sequence}")
    if record.recorded_at < header.recorded_at:
        raise BrokenRecord(record, "recorded before its predecessor")


def _change(state: State, record: Record) -> None:
    for account_id, fields in record.payload["changes"]:
        account = state.accounts[account_id]
        if account is None:
            raise BrokenRecord(record, f"changes {account_id}, which does not exist")
        for name, value in fields.items():
            if name not in CHANGEABLE:
                raise BrokenRecord(record, f"changes {name} of {account_id}")
            setattr(account, name, value)


def _book(state: State, record: Record) -> None:
    accounts = state.accounts
    sums: dict[str, int] = {}
    gained: dict[str, int] = {}
    for account_id, bucket, amount, after in record.payload["entries"]:
        account = accounts[account_id]
        if account is None:
            raise BrokenRecord(record, f"books on {account_id}, which does not exist")
        held = account.plain if bucket == PLAIN else account.balance_of(bucket)
        if held + amount != after or not -MAX_AMOUNT <= after <= MAX_AMOUNT:
            raise BrokenRecord(record, f"states a wrong balance of {account_id}")
        if amount < 0 and after < (account.floor if bucket == PLAIN else 0):
            raise BrokenRecord(record, f"takes {account_id} below its limit")
        if bucket == PLAIN and account.total == held:
            # One number for both, which nearly all accounts share: memory is what slows the writer most.
            account.total = account.plain = after
        else:
            account.total += amount
            account.put(bucket, after)
        sums[account.currency] = sums.get(account.currency, 0) + amount
        gained[account_id] = gained.get(account_id, 0) + amount
    for account_id, gain in gained.items():
        if gain > 0 and (account := accounts[account_id]) and account.total > account.ceiling:
            raise BrokenRecord(record, f"takes {account_id} above its limit")
    if any(sums.values()):
        raise BrokenRecord(record, f"has entries that do not sum to zero: {sums}")


def _open(state: State, record: Record) -> None:
    currency = record.payload.get("currency")
    if currency is not None:
        if state.currencies.get(currency["code"]) is not None:
            raise BrokenRecord(record, f"creates {currency['code']}, which exists")
        state.currencies[currency["code"]] = currency_of(currency, record)
    for fields in record.payload["accounts"]:
        if state.accounts.get(fields["id"]) is not None:
            raise BrokenRecord(record, f"opens {fields['id']}, which exists")
        state.accounts[fields["id"]] = account_of(fields, state.next_account, record.recorded_at)
        state.next_account += 1


def currency_of(fields: dict[str, Any], record: Record) -> Currency:
    """The currency that a record's payload describes."""
    return Currency(**fields, partition=record.partition, created_at=record.recorded_at)


def account_of(fields: dict[str, Any], number: int, opened_at: int) -> Account:
    """The account that a record's payload describes, empty."""
    account = Account(number=number, **fields, opened_at=opened_at)
    for name in ("kind", "currency", "floor", "ceiling"):
        setattr(account, name, shared(getattr(account, name)))
    return account
