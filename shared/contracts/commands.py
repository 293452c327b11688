"""The ledger's commands: everything that may change a partition.

They are msgspec structs: strict, compiled, and the same for a single payment, a bulk upload and an import.
Amounts are integers of minor units; times inside commands are Unix microseconds. Every command has its
client's id, and may say when it happened (`occurred_at`, importers only).
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.contracts.charters import Charter, Level
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import (
    Amount,
    CaseReference,
    Code,
    Id,
    Limit,
    Memo,
    Moment,
    Names,
    Reason,
    Tag,
)

WRITER_BATCH_LIMIT = 500
"""How many commands one call of the writer carries at most."""
MAX_LEGS = 16
MAX_GOODS = 16
MAX_GROUPS = 16
MAX_PENDING_SECONDS = 30 * 24 * 3600
MAX_OCCURRENCES = 366
MAX_OPEN_RESERVATIONS = 32
"""Of one account at a time."""
MAX_DELEGATES = 32
"""Operators of one account beside its holder."""
PROPOSAL_DAYS = 14
"""How long a proposal waits for its second person."""
SCHEDULE_ATTEMPTS = 3

RIGHTS = ("view", "pay", "receive", "schedule")
"""What a holder may let others do with an account: see it; pay from it; act as its till (post and void what
was reserved for it, refund); make and cancel schedules.
"""
Right = Literal["view", "pay", "receive", "schedule"]


class _Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    id: Id
    occurred_at: int | None = None


class Goods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of a payment that is for goods of a category. What the API takes is this very struct; and that
    services refuse what they do not know of it, as in charters, loses nothing of what was meant.
    """

    category: Tag
    amount: Amount


class Transfer(_Command, frozen=True, kw_only=True, tag="transfer"):
    """Move money. The payer of an issuance and the payee of a redemption may be left out: the currency's own
    account.

    `up_to` (balancing): as much of the amount as can be moved. `pending_seconds`: reserve the amount now and
    move it when it is posted; it lapses by itself. `goods`: how the amount divides by category of goods, for
    purposes that look at goods; it sums to the amount. `purpose`: of an issuance, which the units may be
    spent for. `memo` and `case_reference` stay out of the journal, which holds only their salted hash.
    """

    kind: Literal["issuance", "payment", "redemption"]
    currency: Code
    amount: Amount
    payer: Id | None = None
    payee: Id | None = None
    memo: Memo = ""
    case_reference: CaseReference = ""
    purpose: Tag | None = None
    goods: Annotated[list[Goods], Meta(max_length=MAX_GOODS)] = msgspec.field(default_factory=list)
    up_to: bool = False
    pending_seconds: Annotated[int, Meta(ge=1, le=MAX_PENDING_SECONDS)] | None = None


class PostPending(_Command, frozen=True, kw_only=True, tag="post_pending"):
    """Move what a pending transfer reserved, all of it or `amount`; the rest is free again. By the payee."""

    pending: Id
    amount: Amount | None = None


class VoidPending(_Command, frozen=True, kw_only=True, tag="void_pending"):
    """Set free what a pending transfer reserved. By the payee."""

    pending: Id


class Leg(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the transfers of a linked command; its id is made from the command's id and its place."""

    currency: Code
    amount: Amount
    kind: Literal["issuance", "payment", "redemption"] = "payment"
    payer: Id | None = None
    payee: Id | None = None
    purpose: Tag | None = None
    goods: Annotated[list[Goods], Meta(max_length=MAX_GOODS)] = msgspec.field(default_factory=list)


class LinkedTransfers(_Command, frozen=True, kw_only=True, tag="linked_transfers"):
    """Several transfers, in their order, all or nothing, across the currencies of the partition."""

    legs: Annotated[list[Leg], Meta(min_length=2, max_length=MAX_LEGS)]
    memo: Memo = ""
    case_reference: CaseReference = ""


class Refund(_Command, frozen=True, kw_only=True, tag="refund"):
    """Give back a payment, all that is left of it or `amount`; never more than was paid. By its payee."""

    transfer: Id
    amount: Amount | None = None
    memo: Memo = ""


class Reverse(_Command, frozen=True, kw_only=True, tag="reverse"):
    """Propose that all that is left of a payment goes back. By one party, approved by the other."""

    transfer: Id
    memo: Memo = ""


class Correct(_Command, frozen=True, kw_only=True, tag="correct"):
    """Propose a transfer that mends a mistake. By one operator, approved by another."""

    currency: Code
    amount: Amount
    payer: Id
    payee: Id
    reason: Reason
    transfer: Id | None = None


class Approve(_Command, frozen=True, kw_only=True, tag="approve"):
    """Say yes, as the second person, to what has been proposed; it is done at once."""

    proposal: Id


class Reject(_Command, frozen=True, kw_only=True, tag="reject"):
    """Say no to what has been proposed, or take it back."""

    proposal: Id


class CreateSchedule(_Command, frozen=True, kw_only=True, tag="create_schedule"):
    """Pay later, once or again and again, with the payer's authority. By whoever may pay from the account.

    The n-th payment (from 0) is due `n` times `every` after `first_at`, by the calendar in UTC; a month that
    lacks the day has it on its last day. Three attempts, an hour and a day after the first, then it is
    skipped.
    """

    currency: Code
    amount: Amount
    payer: Id
    payee: Id
    first_at: Moment
    every: Literal["once", "day", "week", "month"] = "once"
    count: Annotated[int, Meta(ge=1, le=MAX_OCCURRENCES)] = 1
    memo: Memo = ""


class CancelSchedule(_Command, frozen=True, kw_only=True, tag="cancel_schedule"):
    """Pay no more of a schedule."""

    schedule: Id


class ExecuteSchedule(_Command, frozen=True, kw_only=True, tag="execute_schedule"):
    """Attempt the n-th payment of a schedule (attempts 1 to 3). By the ledger's own jobs."""

    schedule: Id
    n: Annotated[int, Meta(ge=0, le=MAX_OCCURRENCES - 1)]
    attempt: Annotated[int, Meta(ge=1, le=SCHEDULE_ATTEMPTS)]


class OpenAccount(_Command, frozen=True, kw_only=True, tag="open_account"):
    """Open an account, whose id is the command's. Without limits of its own it has those of the charter.

    `holder` is an opaque id. `territory`, `category`, `place` and `groups` are opaque tags: what indicators
    are split by, and what purposes look at. `level` says how far the holder's identity is verified.
    """

    currency: Code
    kind: Literal["member", "organisation"]
    holder: Id
    credit_limit: Limit | None = None
    maximum_balance: Limit | None = None
    territory: Tag | None = None
    category: Tag | None = None
    place: Tag | None = None
    groups: Annotated[list[Tag], Meta(max_length=MAX_GROUPS)] = msgspec.field(default_factory=list)
    level: Level = 0


class ChangeLimits(_Command, frozen=True, kw_only=True, tag="change_limits"):
    """Give an account limits of its own; null goes back to the charter's, what is left out stays."""

    account: Id
    level: Level | UnsetType = UNSET
    credit_limit: Limit | UnsetType | None = UNSET
    maximum_balance: Limit | UnsetType | None = UNSET
    per_transfer: Amount | UnsetType | None = UNSET
    per_day: Amount | UnsetType | None = UNSET
    per_month: Amount | UnsetType | None = UNSET


class TagAccount(_Command, frozen=True, kw_only=True, tag="tag_account"):
    """Change an account's tags; null takes one away, what is left out stays."""

    account: Id
    territory: Tag | UnsetType | None = UNSET
    category: Tag | UnsetType | None = UNSET
    place: Tag | UnsetType | None = UNSET
    groups: Annotated[list[Tag], Meta(max_length=MAX_GROUPS)] | UnsetType = UNSET


class SetDelegate(_Command, frozen=True, kw_only=True, tag="set_delegate"):
    """Let somebody else operate an account, with limited rights; no rights take them away. By the holder."""

    account: Id
    subject: Id
    rights: Annotated[list[Right], Meta(max_length=len(RIGHTS))]
    per_transfer: Amount | None = None


class FreezeAccount(_Command, frozen=True, kw_only=True, tag="freeze_account"):
    """Let nothing go out of an account, or neither out nor in. By operators."""

    account: Id
    direction: Literal["out", "all"] = "all"
    reason: Reason


class UnfreezeAccount(_Command, frozen=True, kw_only=True, tag="unfreeze_account"):
    """Take the freeze of an account away. By operators."""

    account: Id


class CloseAccount(_Command, frozen=True, kw_only=True, tag="close_account"):
    """End an account for good. What is left in it goes to the account `remainder_to`; a debt is taken over by
    it, which only operators may ask for.
    """

    account: Id
    remainder_to: Id | None = None


class Settle(_Command, frozen=True, kw_only=True, tag="settle"):
    """Book what time has done to an account: units and reservations that lapsed, limits of a new charter. By
    the ledger's own jobs; no decision depends on whether it has been booked.
    """

    account: Id


class CreateCurrency(_Command, frozen=True, kw_only=True, tag="create_currency"):
    """Create a currency and its two own accounts, one that issues and one that redeems.

    `names` maps a language code to the name; English is compulsory. `simulated` marks demo data for good.
    Without a charter its rules are the simplest: two limits, no fee, nothing lapses.
    """

    code: Code
    names: Names
    minor_units: Literal[1, 10, 60, 100, 1000]
    kind: Literal["mutual_credit", "backed", "time"]
    default_credit_limit: Limit = 0
    maximum_balance: Limit = MAX_AMOUNT
    territory: Tag
    simulated: bool = False
    charter: Charter | None = None


class AmendCharter(_Command, frozen=True, kw_only=True, tag="amend_charter"):
    """Propose the next version of a currency's charter, which holds from a moment on. By one operator or
    administrator, approved by another.
    """

    currency: Code
    version: Annotated[int, Meta(ge=2, le=1000)]
    valid_from: Moment
    charter: Charter


Command = (
    Transfer
    | PostPending
    | VoidPending
    | LinkedTransfers
    | Refund
    | Reverse
    | Correct
    | Approve
    | Reject
    | CreateSchedule
    | CancelSchedule
    | ExecuteSchedule
    | OpenAccount
    | ChangeLimits
    | TagAccount
    | SetDelegate
    | FreezeAccount
    | UnfreezeAccount
    | CloseAccount
    | Settle
    | CreateCurrency
    | AmendCharter
)


class WriteItem(msgspec.Struct, frozen=True):
    """One command of a call, and which of the call's tokens authorises it."""

    token: int
    command: Command


class WriteCall(msgspec.Struct, frozen=True):
    """A call of the writer: commands decided in order, each by itself. `not_after` is Unix microseconds."""

    tokens: list[str]
    items: Annotated[list[WriteItem], Meta(min_length=1, max_length=WRITER_BATCH_LIMIT)]
    not_after: int


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one command: a view, or a refusal in its wire form. `replayed`: decided before."""

    view: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = None
    replayed: bool = False


class SentOutcome(msgspec.Struct, frozen=True):
    """An `Outcome` as it came from the writer, whose view stays JSON: for those who hand it on as it is.

    `view` is `null` where there is a refusal.
    """

    view: msgspec.Raw = msgspec.Raw(b"null")
    refusal: dict[str, Any] | None = None
    replayed: bool = False
