"""What a journal record says, checked: the only place that knows the form of a record's payload.

A record of a type that is not known here is read all the same: by the accounts that it opens and its entries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.contracts.journal import CURRENCY_CREATED, TRANSFER_POSTED, TRANSFERS_LINKED, JournalRecord
from shared.contracts.money import MAX_AMOUNT

LATEST_US = 253_402_300_799_999_999
"""The end of the year 9999 in Unix microseconds."""

MENDING = ("refund", "reversal", "correction")
"""Kinds of transfers that undo or mend others: they move balances, and nobody has paid anything."""


class Unappliable(Exception):
    """A record cannot be applied; `sequence` names it, `reason` is a slug for programs and metrics."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"record {sequence}: {reason}")
        self.sequence = sequence
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CurrencyFact:
    code: str
    kind: str
    minor_units: int
    territory: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class AccountFact:
    """An account opened; `territory` None means the currency's."""

    id: str
    currency: str
    kind: str
    territory: str | None


@dataclass(frozen=True, slots=True)
class TransferFact:
    """`kept_back`: what of it went elsewhere (fee, penalty), as (account, amount)."""

    payer: str
    payee: str
    amount: int
    mending: bool = False
    kept_back: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """`entries` has what each account gained or lost, its buckets summed; `expired` what units lapsed of it,
    as (account, amount).
    """

    partition: int
    sequence: int
    occurred_at: int
    currency: CurrencyFact | None
    opened: tuple[AccountFact, ...]
    entries: Mapping[str, int]
    transfers: tuple[TransferFact, ...] = ()
    expired: tuple[tuple[str, int], ...] = ()

    def named(self) -> set[str]:
        """All accounts that something is said of, but for those opened."""
        named = {*self.entries, *(account for account, _amount in self.expired)}
        for transfer in self.transfers:
            named |= {transfer.payer, transfer.payee, *(account for account, _amount in transfer.kept_back)}
        return named


class Payment(NamedTuple):
    """A record that says no more than that one account has given to another, as nearly all do; `facts` says
    it like any other record.
    """

    partition: int
    sequence: int
    occurred_at: int
    payer: str
    payee: str
    amount: int

    def facts(self) -> Facts:
        return Facts(
            partition=self.partition,
            sequence=self.sequence,
            occurred_at=self.occurred_at,
            currency=None,
            opened=(),
            entries={self.payer: -self.amount, self.payee: self.amount},
            transfers=(TransferFact(self.payer, self.payee, self.amount),),
        )


def read(record: JournalRecord) -> Facts | Payment:
    """The facts of a record. Raises Unappliable `unreadable`."""
    return _payment(record) or read_all(record)


def read_all(record: JournalRecord) -> Facts:
    """The facts of any record, plain payments too. Raises Unappliable `unreadable`."""
    try:
        payload = record.payload
        return Facts(
            partition=record.partition,
            sequence=record.sequence,
            occurred_at=_time(record.occurred_at),
            currency=_currency(payload["currency"]) if record.type == CURRENCY_CREATED else None,
            opened=tuple(_account(opened) for opened in payload["accounts"]),
            entries=_entries(payload["entries"]),
            transfers=tuple(map(_transfer, _posted(record))),
            expired=tuple((_text(it[0]), _whole(it[2])) for it in _settled(payload).get("expired", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unappliable(record.sequence, "unreadable") from error


def _payment(record: JournalRecord) -> Payment | None:
    """A plain payment; None for whatever is more, or less, than that."""
    payload = record.payload
    if record.type != TRANSFER_POSTED or payload.get("accounts") != [] or "settled" in payload:
        return None
    try:
        transfer = payload["transfer"]
        payer, payee, amount = transfer["payer"], transfer["payee"], transfer["amount"]
        if transfer["kind"] != "payment" or "kept_back" in transfer:
            return None
        (giver, _, lost, _), (taker, _, gained, _) = payload["entries"]
    except (KeyError, TypeError, ValueError):
        return None
    if (giver, lost, taker, gained) != (payer, -amount, payee, amount) or payer == payee:
        return None
    if not (type(amount) is type(lost) is type(gained) is int and 0 < amount <= MAX_AMOUNT):
        return None
    if not (type(payer) is type(payee) is str and payer and payee and 0 <= record.occurred_at <= LATEST_US):
        return None
    return Payment(record.partition, record.sequence, record.occurred_at, payer, payee, amount)


def _posted(record: JournalRecord) -> Sequence[Mapping[str, Any]]:
    """The transfers that a record posts; what it merely reserves is still the payer's."""
    if record.type == TRANSFER_POSTED:
        return [record.payload["transfer"]]
    return list(record.payload["transfers"]) if record.type == TRANSFERS_LINKED else []


def _settled(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    settled: Mapping[str, Any] = payload.get("settled", {})
    return settled


def _currency(given: Mapping[str, Any]) -> CurrencyFact:
    return CurrencyFact(
        code=_text(given["code"]),
        kind=_text(given["kind"]),
        minor_units=_whole(given["minor_units"]),
        territory=_text(given["territory"]),
        simulated=bool(given.get("simulated", False)),
    )


def _account(given: Mapping[str, Any]) -> AccountFact:
    territory = given.get("territory")
    return AccountFact(
        id=_text(given["id"]),
        currency=_text(given["currency"]),
        kind=_text(given["kind"]),
        territory=_text(territory) if territory else None,
    )


def _transfer(given: Mapping[str, Any]) -> TransferFact:
    return TransferFact(
        payer=_text(given["payer"]),
        payee=_text(given["payee"]),
        amount=_whole(given["amount"]),
        mending=given.get("kind") in MENDING,
        kept_back=tuple((_text(to), _whole(amount)) for _why, to, amount in given.get("kept_back", ())),
    )


def _entries(given: Any) -> dict[str, int]:
    totals: dict[str, int] = {}
    for account, _bucket, amount, _after in given:
        totals[_text(account)] = totals.get(account, 0) + _whole(amount)
    return {account: amount for account, amount in totals.items() if amount}


def _text(given: Any) -> str:
    if not isinstance(given, str) or not given:
        raise ValueError("a text is missing")
    return given


def _whole(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or abs(given) > MAX_AMOUNT:
        raise ValueError("a whole number is missing")
    return given


def _time(given: int) -> int:
    if not 0 <= given <= LATEST_US:
        raise ValueError("a time from 1970 to 9999 is missing")
    return given
