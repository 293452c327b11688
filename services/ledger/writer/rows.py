"""Rows of the ledger's tables as kernel values, the same for both engines. Ids are text here."""

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import GENESIS, Note, Record, StoredRefusal, canonical, unseal
from services.ledger.kernel.state import Account, Currency
from services.ledger.writer.store import Batch, Change, Partition
from shared.contracts.ids import is_derived

PARTITION_COLUMNS = "id, timeline, term, last_sequence, last_hash, last_batch, recorded_at, frozen"
CURRENCY_COLUMNS = (
    "id, code, names, minor_units, kind, default_credit_limit, maximum_balance, territory, simulated, "
    "issuance_account, redemption_account, partition, created_at"
)
CURRENCY_IDS = (0, 9, 10)
ACCOUNT_COLUMNS = "number, id, currency, kind, holder, floor, ceiling, territory, category, opened_at"
ACCOUNT_IDS = (1, 4)


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
        (r.partition, r.sequence, r.recorded_at, r.command, r.header, r.body, r.salt, r.hash)
        for r in batch.records
    ],
)
ENTRIES = Inserts(
    "entries", "account, sequence, amount, balance, total, bucket", (), lambda batch: list(batch.lines)
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
            *(r.slug, canonical(r.parameters).decode(), r.recorded_at),
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
            *(c.id, c.code, canonical(c.names).decode(), c.minor_units, c.kind),
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
            *(a.territory, a.category, a.opened_at),
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
    return unseal(bytes(header), bytes(payload), bytes(salt), before, bytes(hash), command, note)


def add_balances(accounts: Iterable[Account], balances: Iterable[tuple[int, str, int, int | None]]) -> None:
    """Give loaded accounts their buckets, from rows (account number, bucket, balance, total)."""
    by_number = {account.number: account for account in accounts}
    for number, bucket, balance, total in balances:
        account = by_number[number]
        account.buckets[bucket] = balance
        if bucket == PLAIN:
            account.total = balance if total is None else total


def updated(batch: Batch) -> list[Change]:
    """Changes of rows that exist: every account has a row of its plain bucket."""
    return [change for change in batch.changes if change.bucket == PLAIN]


def special(batch: Batch) -> tuple[list[Change], list[Change]]:
    """Changes of other buckets: what they hold now, and those that are empty and vanish."""
    others = [change for change in batch.changes if change.bucket != PLAIN]
    return [change for change in others if change.balance], [
        change for change in others if not change.balance
    ]
