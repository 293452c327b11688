"""Rows of the ledger's tables as kernel values, the same for both engines. Ids are text here."""

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import GENESIS, Note, Record, StoredRefusal, canonical, unseal
from services.ledger.kernel.state import Account, Currency, Key, Thing, shared
from services.ledger.writer.packing import pack, unpack
from services.ledger.writer.store import Batch, Partition
from shared.contracts.ids import is_derived

PARTITION_COLUMNS = "id, timeline, term, last_sequence, last_hash, last_batch, recorded_at, frozen"
CURRENCY_COLUMNS = (
    "id, code, names, minor_units, kind, default_credit_limit, maximum_balance, territory, simulated, "
    "issuance_account, redemption_account, partition, created_at"
)
CURRENCY_IDS = (0, 9, 10)
ACCOUNT_COLUMNS = "number, id, currency, kind, holder, floor, ceiling, territory, category, opened_at, terms"
ACCOUNT_IDS = (1, 4)
ACCOUNT_SHARED = (2, 3, 5, 6, 7, 8)
"""Where among the columns stands what many accounts have: currency, kind, limits, territory, category."""
THING_COLUMNS = "kind, id, owner, due_at, body"


class Inserts(NamedTuple):
    """What a batch adds to one table. `ids` are the positions of ids among the columns."""

    table: str
    columns: str
    ids: tuple[int, ...]
    values: Callable[[Batch], list[tuple[Any, ...]]]


JOURNAL = Inserts(
    "journal",
    "partition, sequence, recorded_at, command, header, payload, salt, hash",
    (3,),
    lambda batch: [
        (r.partition, r.sequence, r.recorded_at, r.command, r.header, pack(r), r.salt, r.hash)
        for r in batch.records
    ],
)
ENTRIES = Inserts(
    "entries", "account, sequence, amount, balance, total, bucket", (), lambda batch: batch.lines.rows()
)
NOTES = Inserts(
    "notes",
    "partition, sequence, salt, memo, case_reference",
    (),
    lambda batch: [
        (record.partition, record.sequence, note.salt, note.memo, note.case_reference)
        for record in batch.records
        if (note := record.note) is not None
    ],
)
REFUSALS = Inserts(
    "refusals",
    "command, partition, derived, principal, salt, content, slug, parameters, recorded_at",
    (0,),
    lambda batch: [
        (
            *(r.command, batch.partition, is_derived(r.command), r.principal, r.salt, r.content),
            *(r.slug, json_text(r.parameters), r.recorded_at),
        )
        for r in batch.refusals
    ],
)
CURRENCIES = Inserts(
    "currencies",
    CURRENCY_COLUMNS,
    CURRENCY_IDS,
    lambda batch: [
        (
            *(c.id, c.code, json_text(c.names), c.minor_units, c.kind),
            *(c.default_credit_limit, c.maximum_balance, c.territory, c.simulated),
            *(c.issuance_account, c.redemption_account, c.partition, c.created_at),
        )
        for c in batch.currencies
    ],
)
ACCOUNTS = Inserts(
    "accounts",
    ACCOUNT_COLUMNS,
    ACCOUNT_IDS,
    lambda batch: [
        (
            *(a.number, a.id, a.currency, a.kind, a.holder, a.floor, a.ceiling),
            *(a.territory, a.category, a.opened_at, json_text(a.terms)),
        )
        for a in batch.accounts
    ],
)
OPENED_BALANCES = Inserts(
    "balances",
    "account, balance, total, bucket",
    (),
    lambda batch: [(account.number, 0, None, PLAIN) for account in batch.accounts],
)


def json_text(value: Any) -> str:
    """Plain data as it stands in columns of text: JSON in its canonical form."""
    return canonical(value).decode()


def partition(row: Iterable[Any]) -> Partition:
    id, timeline, term, last_sequence, last_hash, last_batch, recorded_at, frozen = row
    return Partition(
        id, timeline, term, last_sequence, bytes(last_hash), last_batch, recorded_at, bool(frozen)
    )


def currency(row: Iterable[Any]) -> Currency:
    values = list(row)
    values[2] = json.loads(values[2])
    values[8] = bool(values[8])
    return Currency(*values)


def account(row: Iterable[Any]) -> Account:
    """An account without its balances, from ACCOUNT_COLUMNS."""
    values = list(row)
    values[-1] = json.loads(values[-1])
    for position in ACCOUNT_SHARED:
        values[position] = shared(values[position])
    return Account(*values)


def thing(row: Iterable[Any]) -> tuple[Key, Thing]:
    """A thing with its key, from THING_COLUMNS."""
    kind, id, owner, due_at, body = row
    return (kind, id), Thing(owner, due_at, json.loads(body))


def stored_refusal(
    command: str,
    principal: str,
    salt: bytes,
    content: bytes,
    slug: str,
    parameters: str,
    recorded_at: int,
) -> StoredRefusal:
    return StoredRefusal(
        command, principal, bytes(salt), bytes(content), slug, json.loads(parameters), recorded_at
    )


def record(
    command: str,
    header: bytes,
    payload: bytes,
    salt: bytes,
    hash: bytes,
    prev_hash: bytes | None,
    note_salt: bytes | None,
    memo: str | None,
    case_reference: str | None,
) -> Record:
    """A journal row joined with its predecessor's hash and its note."""
    note = None
    if note_salt is not None:
        note = Note(bytes(note_salt), memo or "", case_reference or "")
    before = GENESIS if prev_hash is None else bytes(prev_hash)
    return unseal(bytes(header), unpack(bytes(payload)), bytes(salt), before, bytes(hash), command, note)


def add_balances(accounts: Iterable[Account], balances: Iterable[tuple[int, str, int, int | None]]) -> None:
    """Give loaded accounts their buckets, from rows (account number, bucket, balance, total)."""
    by_number = {account.number: account for account in accounts}
    for number, bucket, balance, total in balances:
        account = by_number[number]
        account.put(bucket, balance)
        if bucket == PLAIN:
            account.total = balance if total is None else total


def altered(batch: Batch) -> list[tuple[Any, ...]]:
    """Accounts that exist and have changed: number, floor, ceiling, territory, category, terms."""
    return [
        (a.number, a.floor, a.ceiling, a.territory, a.category, json_text(a.terms)) for a in batch.altered
    ]


def remembered(batch: Batch) -> list[tuple[Any, ...]]:
    """Things as they are now: THING_COLUMNS, and the partition."""
    return [
        (*key, thing.owner, thing.due_at, json_text(thing.body), batch.partition)
        for key, thing in batch.things.items()
        if thing is not None
    ]


def forgotten(batch: Batch) -> list[Key]:
    """Things that are no more."""
    return [key for key, thing in batch.things.items() if thing is None]
