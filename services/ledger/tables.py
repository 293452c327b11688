"""The ledger's tables.

The journal is the truth: the writer adds to it and never changes it (triggers see to that, as for `entries`),
and every other table but `notes` follows from it. Tables that payments write have no foreign keys:
`journal/verify.py` proves what keys would have promised.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
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

# `header` and `payload` are the bytes that were hashed; `command` is the id that the payload names, to find
# it by.
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
    Index("accounts_holder", "holder", "number"),
    Index("accounts_currency", "currency", "number"),
)

# Every account has a row of the plain bucket (empty text), which also tells the account's total over all
# buckets. Room is left in PostgreSQL's pages, so that an update stays in its page and touches no index.
balances = Table(
    "balances",
    metadata,
    Column("account", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("bucket", Text, nullable=False),
    PrimaryKeyConstraint("account", "bucket", name="balances_pkey"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 60},
)

# `balance` is the bucket's after the entry; `total` the account's after the record, absent where it is the
# same.
entries = Table(
    "entries",
    metadata,
    Column("account", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("bucket", Text, nullable=False),
    PrimaryKeyConstraint("account", "sequence", "bucket", name="entries_pkey"),
    sqlite_with_rowid=False,
)

# How far the relay has published each partition's journal.
relay_cursors = Table(
    "relay_cursors",
    metadata,
    Column("partition", Number, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)
