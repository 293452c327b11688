"""Tables of the projection: all of them can be emptied and filled again from the journal.

A day is a number: days since 1970-01-01, UTC, by the time at which a transfer occurred. A pool is the
accounts of one currency in one territory. Amounts are minor units. "Own" accounts are those that issue or
redeem; all others count as balances. Every column that sums up is additive or depends on the whole set of
records only, so that the order in which records arrive leaves no trace in it.
"""

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from services.dashboard.schema import CLUSTERED, METADATA, STRICT, WHOLE, key, whole

positions = Table(
    "positions",
    METADATA,
    key("partition"),
    Column("timeline", Text, nullable=False),
    whole("sequence"),
    Column("hash", Text, nullable=False),
    # When the last record applied was recorded: what figures are "as of".
    Column("recorded_at", WHOLE),
    # Why the next record cannot be applied; null while all is well.
    Column("stalled", Text),
    **STRICT,
)

currencies = Table(
    "currencies",
    METADATA,
    Column("code", Text, primary_key=True),
    whole("partition"),
    Column("kind", Text, nullable=False),
    whole("minor_units"),
    Column("territory", Text, nullable=False),
    whole("simulated"),
    # The first day of which anything is known: its making, or an earlier account or entry.
    whole("since"),
    **STRICT,
)

pools = Table(
    "pools",
    METADATA,
    Column("pool", WHOLE, primary_key=True),
    Column("currency", Text, ForeignKey("currencies.code"), nullable=False),
    Column("territory", Text, nullable=False),
    Index("ix_pools_currency", "currency", "territory", unique=True),
    **STRICT,
)

accounts = Table(
    "accounts",
    METADATA,
    Column("account", WHOLE, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("pool", WHOLE, ForeignKey("pools.pool"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    # The day it was opened, or that of an earlier entry.
    whole("since"),
    # The day of its first transfer between members; null before that.
    Column("first_active", WHOLE),
    whole("balance"),
    # Time of its latest entry: a batch that goes on from there needs no earlier entry.
    whole("last_at"),
    **STRICT,
)

entries = Table(
    "entries",
    METADATA,
    key("account"),
    key("occurred_at"),
    key("sequence"),
    whole("amount"),
    **CLUSTERED,
)
"""What each account that is no own one gained or lost, in microseconds: read again when a late entry comes
in.
"""

account_days = Table(
    "account_days",
    METADATA,
    key("account"),
    key("day"),
    whole("pool"),
    # The balance at the day's end.
    whole("closing"),
    # By transfers between members: amounts, and in how many of them it took part.
    whole("paid"),
    whole("received"),
    whole("transfers"),
    Index("ix_account_days_pool", "pool", "day"),
    **CLUSTERED,
)
"""A row for each day on which an account had an entry."""

pool_days = Table(
    "pool_days",
    METADATA,
    key("pool"),
    key("day"),
    whole("issued"),
    whole("redeemed"),
    # Change of the sum of balances, and of the sum of the positive ones.
    whole("balances"),
    whole("positive"),
    # Each change times the microseconds from it to the day's end, summed: high * 2**40 + low (see `areas`).
    whole("balances_area_high"),
    whole("balances_area_low"),
    whole("positive_area_high"),
    whole("positive_area_low"),
    # Transfers between members, where the payer's account is of this pool.
    whole("transfers"),
    whole("volume"),
    **CLUSTERED,
)

amount_days = Table(
    "amount_days",
    METADATA,
    key("pool"),
    key("day"),
    key("amount"),
    whole("transfers"),
    **CLUSTERED,
)
"""How many transfers of each amount, for exact medians."""

IN_ORDER_OF_REMOVAL = (amount_days, pool_days, account_days, entries, accounts, pools, currencies)
