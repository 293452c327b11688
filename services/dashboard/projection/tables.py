"""Tables of the projection: all of them can be emptied and filled again from the journal.

A day is a number: days since 1970-01-01, UTC, by the time at which a transfer occurred. A pool is the
accounts of one currency in one territory. Amounts are minor units. "Own" accounts are those that issue or
redeem; what lies on all others is the supply. Sums by day are changes, to which a late record adds like any
other, so that the order in which records arrive leaves no trace.
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
    # The last record whose movements were kept. Where it is not `sequence`, code that knew of no movements
    # applied the rest, and the projection is built again.
    whole("movements_to", server_default="0"),
    # How often the projection was emptied: what was read before must not be stored after.
    whole("generation", server_default="0"),
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
    # In mutual credit: the balance, and the time of the latest entry; a batch that goes on from there needs
    # no earlier entry. Else 0.
    whole("balance"),
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
"""In mutual credit: what each account gained or lost, times in microseconds. Which part of a change lay above
zero hangs on what came before it, so a late entry makes the later ones to be read again."""

account_days = Table(
    "account_days",
    METADATA,
    key("pool"),
    key("day"),
    key("account"),
    # Of the balance.
    whole("change"),
    # By transfers between members: amounts, and in how many of them it took part.
    whole("paid"),
    whole("received"),
    whole("transfers"),
    **CLUSTERED,
)
"""A row for each day on which an account that is no own one had an entry. The pool, which is the account's,
stands first so that a range of days lies together."""

pool_days = Table(
    "pool_days",
    METADATA,
    key("pool"),
    key("day"),
    whole("issued"),
    whole("redeemed"),
    # Change of the supply: the sum of balances, in mutual credit of the positive ones.
    whole("supply"),
    # Each change times the microseconds from it to the day's end, summed: high * 2**40 + low (see `areas`).
    whole("area_high"),
    whole("area_low"),
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

movements = Table(
    "movements",
    METADATA,
    Column("currency", Text, primary_key=True),
    key("day"),
    key("sequence"),
    key("part"),
    # Accounts; 0 where the record does not say who gave or who got.
    whole("payer"),
    whole("payee"),
    whole("amount"),
    whole("occurred_at"),
    # 1 for a transfer of its own; 0 for a fee, a refund, units that lapsed, and whatever else moves.
    whole("paid", server_default="1"),
    **CLUSTERED,
)
"""Who gave what to whom and when: a row for a transfer, one more for each entry beyond it (such as a fee)."""

changed_days = Table(
    "changed_days",
    METADATA,
    Column("currency", Text, primary_key=True),
    key("day"),
    # The last record that moved anything on that day.
    whole("sequence"),
    **CLUSTERED,
)
"""Tells which stored figures a late record has touched."""

cells = Table(
    "cells",
    METADATA,
    Column("currency", Text, primary_key=True),
    # "" for the whole currency.
    Column("territory", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    key("first"),
    whole("past"),
    # The versions of the formulas that made them.
    Column("formulas", Text, nullable=False),
    # By code, as JSON: value, reason, and why the public does not see it.
    Column("figures", Text, nullable=False),
    Column("timeline", Text, nullable=False),
    whole("sequence"),
    Column("hash", Text, nullable=False),
    Column("recorded_at", WHOLE),
    **STRICT,
)
"""Figures of closed periods that a job works out, each with the position of the journal it stands for."""

IN_ORDER_OF_REMOVAL = (
    cells,
    changed_days,
    movements,
    amount_days,
    pool_days,
    account_days,
    entries,
    accounts,
    pools,
    currencies,
)
