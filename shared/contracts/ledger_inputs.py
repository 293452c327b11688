"""What the API takes for the ledger's commands, and the commands it becomes.

Compiled and strict: unknown fields are refused, the first fault is reported. Money that names its currency is
an object; a bare `amount` is in minor units of the transfer or the account that the address names. Times are
RFC 3339 with their offset. The client names every request by its `id`: it happens once.

Opening accounts and creating currencies go by an Idempotency-Key, as everything else that has no command of
the kernel; these two are marshmallow.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from marshmallow import Schema, fields, validate
from msgspec import UNSET, Meta, UnsetType

from shared.contracts import clock, commands
from shared.contracts.charters import MAX_LEVEL, Charter, Level
from shared.contracts.commands import (
    MAX_GOODS,
    MAX_GROUPS,
    MAX_LEGS,
    MAX_OCCURRENCES,
    MAX_PENDING_SECONDS,
    RIGHTS,
    Goods,
    Leg,
    Right,
)
from shared.contracts.errors import Fault, Refusal
from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS
from shared.contracts.primitives import (
    CODE_PATTERN,
    CURRENCY_KINDS,
    HOLDER_KINDS,
    ID_PATTERN,
    LANGUAGE_PATTERN,
    MAX_LANGUAGES,
    TAG_PATTERN,
    TEXT_PATTERN,
    Amount,
    CaseReference,
    Code,
    Id,
    Limit,
    Memo,
    Reason,
    StrictBoolean,
    Tag,
    matching,
)

BULK_MAX_LINES = 10_000
BULK_MAX_BYTES = 4 * 1024 * 1024
CHARTER_MAX_BYTES = 768 * 1024
"""Of a body that holds a charter: its texts at their limits, in any script, also where every character is
written as its number.
"""

Time = Annotated[
    str,
    Meta(max_length=40, extra_json_schema={"format": "date-time"}),
]
GoodsList = Annotated[list[Goods], Meta(max_length=MAX_GOODS)]
Groups = Annotated[list[Tag], Meta(max_length=MAX_GROUPS)]


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that says no more than its name."""

    id: Id


class MoneyInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Amount
    currency: Code


class TransferInput(Input, frozen=True, kw_only=True):
    """A transfer as `POST /api/v1/transfers` and each line of a bulk upload give it.

    `up_to`: as much of the amount as can be moved. `pending_seconds`: reserve it now, to be posted later;
    it lapses by itself. `goods`: how the amount divides by category of goods. `purpose`: of an issuance.
    """

    kind: Literal["issuance", "payment", "redemption"] = "payment"
    payer: Id | None = None
    payee: Id | None = None
    amount: MoneyInput
    memo: Memo = ""
    case_reference: CaseReference = ""
    purpose: Tag | None = None
    goods: GoodsList = msgspec.field(default_factory=list)
    up_to: bool = False
    pending_seconds: Annotated[int, Meta(ge=1, le=MAX_PENDING_SECONDS)] | None = None

    def to_command(self) -> commands.Transfer:
        return commands.Transfer(
            id=self.id,
            kind=self.kind,
            currency=self.amount.currency,
            amount=self.amount.amount,
            payer=self.payer,
            payee=self.payee,
            memo=self.memo,
            case_reference=self.case_reference,
            purpose=self.purpose,
            goods=self.goods,
            up_to=self.up_to,
            pending_seconds=self.pending_seconds,
        )


class LegInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several linked transfers."""

    kind: Literal["issuance", "payment", "redemption"] = "payment"
    payer: Id | None = None
    payee: Id | None = None
    amount: MoneyInput
    purpose: Tag | None = None
    goods: GoodsList = msgspec.field(default_factory=list)

    def to_leg(self) -> Leg:
        return Leg(
            kind=self.kind,
            currency=self.amount.currency,
            amount=self.amount.amount,
            payer=self.payer,
            payee=self.payee,
            purpose=self.purpose,
            goods=self.goods,
        )


class LinkedTransfersInput(Input, frozen=True, kw_only=True):
    """Several transfers, in their order, all or nothing."""

    legs: Annotated[list[LegInput], Meta(min_length=2, max_length=MAX_LEGS)]
    memo: Memo = ""
    case_reference: CaseReference = ""

    def to_command(self) -> commands.LinkedTransfers:
        return commands.LinkedTransfers(
            id=self.id,
            legs=[leg.to_leg() for leg in self.legs],
            memo=self.memo,
            case_reference=self.case_reference,
        )


class PostingInput(Input, frozen=True, kw_only=True):
    """Move what a pending transfer reserved, all of it or `amount`."""

    amount: Amount | None = None


class RefundInput(Input, frozen=True, kw_only=True):
    """Give a payment back, all that is left of it or `amount`."""

    amount: Amount | None = None
    memo: Memo = ""


class ReversalInput(Input, frozen=True, kw_only=True):
    """Propose to the other party that all that is left of a payment goes back."""

    memo: Memo = ""


class CorrectionInput(Input, frozen=True, kw_only=True):
    """Propose a transfer that mends a mistake, perhaps in another one (`transfer`)."""

    amount: MoneyInput
    payer: Id
    payee: Id
    reason: Reason
    transfer: Id | None = None

    def to_command(self) -> commands.Correct:
        return commands.Correct(
            id=self.id,
            currency=self.amount.currency,
            amount=self.amount.amount,
            payer=self.payer,
            payee=self.payee,
            reason=self.reason,
            transfer=self.transfer,
        )


class ScheduleInput(Input, frozen=True, kw_only=True):
    """Payments to come: the first at `first_at`, then one `every` so often, `count` in all."""

    amount: MoneyInput
    payer: Id
    payee: Id
    first_at: Time
    every: Literal["once", "day", "week", "month"] = "once"
    count: Annotated[int, Meta(ge=1, le=MAX_OCCURRENCES)] = 1
    memo: Memo = ""

    def to_command(self) -> commands.CreateSchedule:
        """Raises Refusal `invalid-request` where `first_at` is no time."""
        return commands.CreateSchedule(
            id=self.id,
            currency=self.amount.currency,
            amount=self.amount.amount,
            payer=self.payer,
            payee=self.payee,
            first_at=moment(self.first_at, "/first_at"),
            every=self.every,
            count=self.count,
            memo=self.memo,
        )


class LimitsInput(Input, frozen=True, kw_only=True):
    """Limits of an account's own; null goes back to the charter's, what is left out stays."""

    level: Level | UnsetType = UNSET
    credit_limit: Limit | UnsetType | None = UNSET
    maximum_balance: Limit | UnsetType | None = UNSET
    per_transfer: Amount | UnsetType | None = UNSET
    per_day: Amount | UnsetType | None = UNSET
    per_month: Amount | UnsetType | None = UNSET


class TagsInput(Input, frozen=True, kw_only=True):
    """An account's tags; null takes one away, what is left out stays."""

    territory: Tag | UnsetType | None = UNSET
    category: Tag | UnsetType | None = UNSET
    place: Tag | UnsetType | None = UNSET
    groups: Groups | UnsetType = UNSET


class DelegateInput(Input, frozen=True, kw_only=True):
    """What somebody (`subject`) may do with an account beside its holder; no rights take all away."""

    subject: Id
    rights: Annotated[list[Right], Meta(max_length=len(RIGHTS))]
    per_transfer: Amount | None = None


class FreezeInput(Input, frozen=True, kw_only=True):
    """Let nothing go out of an account, or neither out nor in."""

    direction: Literal["out", "all"] = "all"
    reason: Reason


class ClosureInput(Input, frozen=True, kw_only=True):
    """End an account for good; what is left in it goes to `remainder_to`."""

    remainder_to: Id | None = None


class CharterInput(Input, frozen=True, kw_only=True):
    """Propose the next version of a charter, which holds from `valid_from` on."""

    version: Annotated[int, Meta(ge=2, le=1000)]
    valid_from: Time
    charter: Charter

    def to_command(self, currency: str) -> commands.AmendCharter:
        """Raises Refusal `invalid-request` where `valid_from` is no time."""
        return commands.AmendCharter(
            id=self.id,
            currency=currency,
            version=self.version,
            valid_from=moment(self.valid_from, "/valid_from"),
            charter=self.charter,
        )


def command_of(kind: Callable[..., commands.Command], given: Input, **named: str) -> commands.Command:
    """The command that takes a body's fields as they are, and from its address what that names."""
    return kind(**{name: getattr(given, name) for name in given.__struct_fields__}, **named)


def moment(text: str, pointer: str) -> int:
    """A time as Unix microseconds. Raises Refusal `invalid-request`, pointing at its field."""
    try:
        return clock.from_text(text)
    except (ValueError, OverflowError) as error:
        fault = Fault(pointer, "invalid", "a time from 1970 to 9999 such as 2026-11-23T10:00:00Z")
        raise Refusal("invalid-request", (fault,)) from error


class AccountInput(Schema):
    """An account to open. The holder is the opaque id of a person or an organisation."""

    currency = fields.String(required=True, validate=matching(CODE_PATTERN))
    kind = fields.String(required=True, validate=validate.OneOf(HOLDER_KINDS))
    holder = fields.String(required=True, validate=matching(ID_PATTERN))
    credit_limit = fields.Integer(strict=True, validate=validate.Range(0, MAX_AMOUNT))
    maximum_balance = fields.Integer(strict=True, validate=validate.Range(0, MAX_AMOUNT))
    territory = fields.String(validate=matching(TAG_PATTERN))
    category = fields.String(validate=matching(TAG_PATTERN))
    place = fields.String(validate=matching(TAG_PATTERN))
    groups = fields.List(
        fields.String(validate=matching(TAG_PATTERN)), validate=validate.Length(max=MAX_GROUPS)
    )
    level = fields.Integer(strict=True, validate=validate.Range(0, MAX_LEVEL))


class CurrencyInput(Schema):
    """A currency to create. `simulated` marks it for good as one behind which nobody stands: for practice,
    with figures that are open to everybody. Without a charter its rules are the simplest.
    """

    code = fields.String(required=True, validate=matching(CODE_PATTERN))
    names = fields.Dict(
        keys=fields.String(validate=matching(LANGUAGE_PATTERN)),
        values=fields.String(validate=[validate.Length(1, 60), matching(TEXT_PATTERN)]),
        required=True,
        validate=validate.Length(1, MAX_LANGUAGES),
    )
    minor_units = fields.Integer(strict=True, required=True, validate=validate.OneOf(MINOR_UNITS))
    kind = fields.String(required=True, validate=validate.OneOf(CURRENCY_KINDS))
    default_credit_limit = fields.Integer(strict=True, validate=validate.Range(0, MAX_AMOUNT))
    maximum_balance = fields.Integer(strict=True, validate=validate.Range(1, MAX_AMOUNT))
    territory = fields.String(required=True, validate=matching(TAG_PATTERN))
    simulated = StrictBoolean()
    charter = fields.Dict(metadata={"description": "as the Charter of `POST .../charters`"})
