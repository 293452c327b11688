"""The ledger's tables.

The journal is the truth: the writer adds to it and never changes it (triggers see to that, as for `entries`),
and every other table but `notes` and `refusals` follows from it. Tables that payments write have no foreign
keys: `journal/verify.py` proves what keys would have promised.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)

from services.ledger.columns import Identifier, Number

HASH_BYTES = 32

metadata = MetaData()

# The fence: the writer's term, and how far it has come.
partitions = Table(
    "partitions",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("timeline", String(36), nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("last_hash", LargeBinary(HASH_BYTES), nullable=False),
    Column("last_batch", String(36), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("frozen", Boolean, nullable=False),
)

# `header` and `payload` are the bytes that were hashed, a plain payment's payload packed
# (`writer/packing.py`); `command` is the id that the payload names, to find it by.
journal = Table(
    "journal",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("partition", BigInteger, nullable=False),
    Column("command", Identifier, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("salt", LargeBinary(HASH_BYTES), nullable=False),
    Column("hash", LargeBinary(HASH_BYTES), nullable=False),
    PrimaryKeyConstraint("partition", "sequence", name="journal_pkey"),
    UniqueConstraint("command", "partition", name="journal_command"),
)

# Text that people wrote beside transfers; a row deleted is a note erased.
notes = Table(
    "notes",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("partition", BigInteger, nullable=False),
    Column("salt", LargeBinary(HASH_BYTES), nullable=False),
    Column("memo", Text, nullable=False),
    Column("case_reference", Text, nullable=False),
    PrimaryKeyConstraint("partition", "sequence", name="notes_pkey"),
)

# `content` is a salted hash of the command that was refused.
refusals = Table(
    "refusals",
    metadata,
    Column("recorded_at", BigInteger, nullable=False),
    Column("partition", BigInteger, nullable=False),
    Column("command", Identifier, nullable=False),
    Column("derived", Boolean, nullable=False),
    Column("principal", Text, nullable=False),
    Column("salt", LargeBinary(HASH_BYTES), nullable=False),
    Column("content", LargeBinary(HASH_BYTES), nullable=False),
    Column("slug", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    PrimaryKeyConstraint("command", "partition", name="refusals_pkey"),
    Index("refusals_recorded_at", "recorded_at"),
)

currencies = Table(
    "currencies",
    metadata,
    Column("code", String(10), primary_key=True),
    Column("partition", BigInteger, nullable=False),
    Column("id", Identifier, nullable=False, unique=True),
    Column("names", Text, nullable=False),
    Column("minor_units", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("default_credit_limit", BigInteger, nullable=False),
    Column("maximum_balance", BigInteger, nullable=False),
    Column("territory", String(40), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("issuance_account", Identifier, nullable=False),
    Column("redemption_account", Identifier, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# `terms` is a JSON object in canonical form: what else is agreed with the holder (see `kernel/state.py`).
accounts = Table(
    "accounts",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("id", Identifier, nullable=False, unique=True),
    Column("currency", String(10), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("holder", Identifier),
    Column("floor", BigInteger, nullable=False),
    Column("ceiling", BigInteger, nullable=False),
    Column("territory", String(40)),
    Column("category", String(40)),
    Column("opened_at", BigInteger, nullable=False),
    Column("terms", Text, nullable=False, server_default="{}"),
    Index("accounts_holder", "holder", "number"),
    Index("accounts_currency", "currency", "number"),
)

# Every account has a row of the plain bucket (empty text), which also tells the account's total over all
# buckets. Room is left in PostgreSQL's pages, so that an update stays in its page and touches no index. Other
# buckets' texts begin with the day on which their units lapse, by which the index finds them.
balances = Table(
    "balances",
    metadata,
    Column("account", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("bucket", Text, nullable=False),
    PrimaryKeyConstraint("account", "bucket", name="balances_pkey"),
    Index(
        "balances_bucket", "bucket", sqlite_where=text("bucket <> ''"), postgresql_where=text("bucket <> ''")
    ),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 60},
)

VOLUME_BITS = 19
"""So many of the lowest bits of a record's number do not tell its volume of the journal: 524,288 records are
one.
"""


def volume(sequence: ColumnElement[int]) -> ColumnElement[int]:
    """The number of the volume of a record by its number. PostgreSQL must find it written as in its index."""
    return sequence.op(">>")(literal_column(str(VOLUME_BITS)))


# `balance` is the bucket's after the entry; `total` the account's after the record, absent where it is the
# same. On PostgreSQL the index begins with the volume: each transfer touches a page of it for each account,
# by chance, and so those pages are few however many transfers there are (decision 0023). On SQLite the table
# is its own index.
entries = Table(
    "entries",
    metadata,
    Column("account", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("bucket", Text, nullable=False),
    PrimaryKeyConstraint("account", "sequence", "bucket", name="entries_pkey").ddl_if(dialect="sqlite"),
    sqlite_with_rowid=False,
)
Index(
    "entries_key",
    volume(entries.c.sequence),
    entries.c.account,
    entries.c.sequence,
    entries.c.bucket,
    unique=True,
).ddl_if(dialect="postgresql")

# What else the kernel remembers, by kind and id (see `kernel/state.py`, THINGS): `owner` is whose it is,
# `due_at` when jobs must look at it, `body` a JSON object in canonical form.
things = Table(
    "things",
    metadata,
    Column("kind", String(20), nullable=False),
    Column("id", Text, nullable=False),
    Column("partition", BigInteger, nullable=False),
    Column("owner", Text),
    Column("due_at", BigInteger),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("kind", "id", "partition", name="things_pkey"),
    Index("things_owner", "kind", "owner"),
    Index(
        "things_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

# How far the relay has published each partition's journal.
relay_cursors = Table(
    "relay_cursors",
    metadata,
    Column("partition", Number, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)

# What the jobs read from the journal for queries, and how far they have come.
reading_cursors = Table(
    "reading_cursors",
    metadata,
    Column("partition", Number, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)

# What accounts gained or lost by records that were told later than it happened, times in microseconds.
late_entries = Table(
    "late_entries",
    metadata,
    Column("account", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "occurred_at", "sequence", name="late_entries_pkey"),
    Index("late_entries_recorded_at", "account", "recorded_at"),
    sqlite_with_rowid=False,
)

# The same, summed by days (since 1970-01-01, UTC): checkpoints, so that no sum is a long one.
late_days = Table(
    "late_days",
    metadata,
    Column("account", BigInteger, nullable=False),
    Column("occurred_on", BigInteger, nullable=False),
    Column("recorded_on", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "occurred_on", "recorded_on", name="late_days_pkey"),
    sqlite_with_rowid=False,
)

# Who may operate which account beside its holder; what they may do with it is in the account's terms.
delegations = Table(
    "delegations",
    metadata,
    Column("subject", Identifier, nullable=False),
    Column("account", BigInteger, nullable=False),
    PrimaryKeyConstraint("subject", "account", name="delegations_pkey"),
    Index("delegations_account", "account"),
    sqlite_with_rowid=False,
)


def lapsing_before(day: str) -> ColumnElement[bool]:
    """Rows of `balances` whose units lapse before a day (a text like 2026-11-23, in UTC).

    Buckets that never lapse begin with a separator, which not every database sorts behind the digits.
    """
    bucket = balances.c.bucket
    # Written out, so that the planners see that the index has all such rows.
    return and_(bucket != literal_column("''"), bucket < day, bucket.not_like("|%"))
