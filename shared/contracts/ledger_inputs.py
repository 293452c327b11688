"""HTTP input of the ledger's commands beside transfers, which are compiled schemas in `ledger`.

Amounts are integers of the minor units of the account's, or the transfer's, own currency. Where a body may
give an `id`, it is the client's name for what is done, and the same again does nothing twice; without one,
the request's Idempotency-Key does.
"""

from marshmallow import Schema, fields, validate

from shared.contracts.charters import MAX_LEVEL
from shared.contracts.commands import MAX_GROUPS, MAX_OCCURRENCES, RIGHTS
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import (
    CODE_PATTERN,
    ID_PATTERN,
    MEMO_MAX_LENGTH,
    REASON_MAX_LENGTH,
    TAG_PATTERN,
    TEXT_PATTERN,
    matching,
)

_AMOUNT = validate.Range(1, MAX_AMOUNT)
_LIMIT = validate.Range(0, MAX_AMOUNT)
_MEMO = (validate.Length(max=MEMO_MAX_LENGTH), matching(TEXT_PATTERN))
_REASON = (validate.Length(1, REASON_MAX_LENGTH), matching(TEXT_PATTERN))


class PostPendingInput(Schema):
    """Move what is reserved, all of it or `amount`."""

    id = fields.String(validate=matching(ID_PATTERN))
    amount = fields.Integer(strict=True, validate=_AMOUNT)


class RefundInput(Schema):
    """Give a payment back, all that is left of it or `amount`."""

    id = fields.String(validate=matching(ID_PATTERN))
    amount = fields.Integer(strict=True, validate=_AMOUNT)
    memo = fields.String(validate=_MEMO)


class ReverseInput(Schema):
    """Propose to the other party that a payment goes back."""

    memo = fields.String(validate=_MEMO)


class CorrectionInput(Schema):
    """Propose a transfer that mends a mistake, perhaps in another one (`transfer`)."""

    currency = fields.String(required=True, validate=matching(CODE_PATTERN))
    amount = fields.Integer(strict=True, required=True, validate=_AMOUNT)
    payer = fields.String(required=True, validate=matching(ID_PATTERN))
    payee = fields.String(required=True, validate=matching(ID_PATTERN))
    reason = fields.String(required=True, validate=_REASON)
    transfer = fields.String(validate=matching(ID_PATTERN))


class ScheduleInput(Schema):
    """Payments to come: the first at `first_at` (a time with its offset), then `every` so often, `count` in
    all.
    """

    currency = fields.String(required=True, validate=matching(CODE_PATTERN))
    amount = fields.Integer(strict=True, required=True, validate=_AMOUNT)
    payer = fields.String(required=True, validate=matching(ID_PATTERN))
    payee = fields.String(required=True, validate=matching(ID_PATTERN))
    first_at = fields.String(required=True, validate=validate.Length(max=40))
    every = fields.String(validate=validate.OneOf(["once", "day", "week", "month"]))
    count = fields.Integer(strict=True, validate=validate.Range(1, MAX_OCCURRENCES))
    memo = fields.String(validate=_MEMO)


class LimitsInput(Schema):
    """Limits of an account's own; null goes back to the charter's, what is left out stays."""

    level = fields.Integer(strict=True, validate=validate.Range(0, MAX_LEVEL))
    credit_limit = fields.Integer(strict=True, allow_none=True, validate=_LIMIT)
    maximum_balance = fields.Integer(strict=True, allow_none=True, validate=_LIMIT)
    per_transfer = fields.Integer(strict=True, allow_none=True, validate=_AMOUNT)
    per_day = fields.Integer(strict=True, allow_none=True, validate=_AMOUNT)
    per_month = fields.Integer(strict=True, allow_none=True, validate=_AMOUNT)


class TagsInput(Schema):
    """An account's tags; null takes one away, what is left out stays."""

    territory = fields.String(allow_none=True, validate=matching(TAG_PATTERN))
    category = fields.String(allow_none=True, validate=matching(TAG_PATTERN))
    place = fields.String(allow_none=True, validate=matching(TAG_PATTERN))
    groups = fields.List(
        fields.String(validate=matching(TAG_PATTERN)), validate=validate.Length(max=MAX_GROUPS)
    )


class DelegateInput(Schema):
    """What somebody else may do with an account; no rights take all away."""

    rights = fields.List(
        fields.String(validate=validate.OneOf(RIGHTS)),
        required=True,
        validate=validate.Length(max=len(RIGHTS)),
    )
    per_transfer = fields.Integer(strict=True, allow_none=True, validate=_AMOUNT)


class FreezeInput(Schema):
    """Let nothing go out of an account, or neither out nor in."""

    direction = fields.String(validate=validate.OneOf(["out", "all"]))
    reason = fields.String(required=True, validate=_REASON)


class CloseInput(Schema):
    """End an account; what is left in it goes to `remainder_to`."""

    remainder_to = fields.String(validate=matching(ID_PATTERN))


class CharterInput(Schema):
    """The next version of a charter, which holds from `valid_from` on (a time with its offset)."""

    version = fields.Integer(strict=True, required=True, validate=validate.Range(2, 1000))
    valid_from = fields.String(required=True, validate=validate.Length(max=40))
    charter = fields.Dict(required=True)
