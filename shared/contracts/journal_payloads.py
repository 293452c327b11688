"""What the records of the journal hold, by type: the part that partners may build on."""

from collections.abc import Mapping

from marshmallow import Schema, fields, validate

from shared.contracts import journal
from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS
from shared.contracts.primitives import ACCOUNT_KINDS, CODE_PATTERN, CURRENCY_KINDS, TRANSFER_KINDS


class RecordedAccount(Schema):
    """An account that the record opens. Its balance stays from `floor` to `ceiling`, in minor units; a
    currency's own accounts have no `holder`.
    """

    id = fields.String(required=True)
    currency = fields.String(required=True, validate=validate.Regexp(CODE_PATTERN))
    kind = fields.String(required=True, validate=validate.OneOf(ACCOUNT_KINDS))
    holder = fields.String(required=True, allow_none=True)
    floor = fields.Integer(required=True, validate=validate.Range(-MAX_AMOUNT, 0))
    ceiling = fields.Integer(required=True, validate=validate.Range(0, MAX_AMOUNT))
    territory = fields.String(required=True, allow_none=True)
    category = fields.String(required=True, allow_none=True)


class RecordedCurrency(Schema):
    """A currency that the record creates. `minor_units` of them make one unit; limits are in minor units."""

    id = fields.String(required=True)
    code = fields.String(required=True, validate=validate.Regexp(CODE_PATTERN))
    names = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    minor_units = fields.Integer(required=True, validate=validate.OneOf(MINOR_UNITS))
    kind = fields.String(required=True, validate=validate.OneOf(CURRENCY_KINDS))
    default_credit_limit = fields.Integer(required=True)
    maximum_balance = fields.Integer(required=True)
    territory = fields.String(required=True)
    simulated = fields.Boolean(required=True)
    issuance_account = fields.String(required=True)
    redemption_account = fields.String(required=True)


class RecordedTransfer(Schema):
    """A transfer that the record posts; `note` is the salted hash of memo and case reference, where it has
    any.
    """

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(TRANSFER_KINDS))
    currency = fields.String(required=True, validate=validate.Regexp(CODE_PATTERN))
    amount = fields.Integer(required=True, validate=validate.Range(1, MAX_AMOUNT))
    payer = fields.String(required=True)
    payee = fields.String(required=True)
    note = fields.String()


PAYLOADS: Mapping[str, Mapping[str, type[Schema]]] = {
    journal.CURRENCY_CREATED: {"currency": RecordedCurrency},
    journal.ACCOUNT_OPENED: {},
    journal.TRANSFER_POSTED: {"transfer": RecordedTransfer},
}
"""What a record of each type has beside `principal`, `occurred_at`, `accounts` and `entries`."""
