"""The ledger's views, its HTTP input, and the arguments of its queries; its commands are in `commands`.

Transfers come as msgspec structs, strict and compiled; everything else is marshmallow. Amounts are integers
of minor units.
"""

from typing import Literal

import msgspec
from marshmallow import EXCLUDE, Schema, fields, validate

from shared.contracts.commands import Transfer
from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS
from shared.contracts.primitives import (
    CODE_PATTERN,
    CURRENCY_KINDS,
    HOLDER_KINDS,
    ID_PATTERN,
    LANGUAGE_PATTERN,
    TAG_PATTERN,
    TEXT_PATTERN,
    Amount,
    CaseReference,
    Code,
    Id,
    Memo,
    StrictBoolean,
    matching,
)

SERVICE = "ledger"
AUDIENCE = "ledger"
"""What internal tokens for the ledger, writer and queries alike, name as their audience."""

BULK_MAX_LINES = 10_000
BULK_MAX_BYTES = 4 * 1024 * 1024


def writer_service(partition: int) -> str:
    """The name under which the writer of a partition is called; only the holder of the fence answers it."""
    return f"ledger_writer_{partition}"


# HTTP input


class MoneyInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Amount
    currency: Code


class TransferInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transfer as `POST /api/v1/transfers` and each line of a bulk upload give it."""

    id: Id
    kind: Literal["issuance", "payment", "redemption"] = "payment"
    payer: Id | None = None
    payee: Id | None = None
    amount: MoneyInput
    memo: Memo = ""
    case_reference: CaseReference = ""

    def to_command(self) -> Transfer:
        return Transfer(
            id=self.id,
            kind=self.kind,
            currency=self.amount.currency,
            amount=self.amount.amount,
            payer=self.payer,
            payee=self.payee,
            memo=self.memo,
            case_reference=self.case_reference,
        )


class AccountInput(Schema):
    """An account to open. The holder is the opaque id of a person or an organisation."""

    currency = fields.String(required=True, validate=matching(CODE_PATTERN))
    kind = fields.String(required=True, validate=validate.OneOf(HOLDER_KINDS))
    holder = fields.String(required=True, validate=matching(ID_PATTERN))
    credit_limit = fields.Integer(strict=True, validate=validate.Range(0, MAX_AMOUNT))
    maximum_balance = fields.Integer(strict=True, validate=validate.Range(0, MAX_AMOUNT))
    territory = fields.String(validate=matching(TAG_PATTERN))
    category = fields.String(validate=matching(TAG_PATTERN))


class CurrencyInput(Schema):
    """A currency to create. `simulated` marks it for good as one behind which nobody stands: for practice,
    with figures that are open to everybody.
    """

    code = fields.String(required=True, validate=matching(CODE_PATTERN))
    names = fields.Dict(
        keys=fields.String(validate=matching(LANGUAGE_PATTERN)),
        values=fields.String(validate=[validate.Length(1, 60), matching(TEXT_PATTERN)]),
        required=True,
        validate=validate.Length(1, 30),
    )
    minor_units = fields.Integer(strict=True, required=True, validate=validate.OneOf(MINOR_UNITS))
    kind = fields.String(required=True, validate=validate.OneOf(CURRENCY_KINDS))
    default_credit_limit = fields.Integer(strict=True, validate=validate.Range(0, MAX_AMOUNT))
    maximum_balance = fields.Integer(strict=True, validate=validate.Range(1, MAX_AMOUNT))
    territory = fields.String(required=True, validate=matching(TAG_PATTERN))
    simulated = StrictBoolean()


# Views


class MoneyView(Schema):
    amount = fields.Integer(required=True)
    currency = fields.String(required=True)
    text = fields.String(required=True)


class CurrencyView(Schema):
    code = fields.String(required=True)
    names = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    minor_units = fields.Integer(required=True)
    kind = fields.String(required=True)
    default_credit_limit = fields.Integer(required=True)
    maximum_balance = fields.Integer(required=True)
    territory = fields.String(required=True)
    simulated = fields.Boolean(required=True)
    issuance_account = fields.String(required=True)
    redemption_account = fields.String(required=True)
    partition = fields.Integer(required=True)
    created_at = fields.String(required=True)


class AccountView(Schema):
    """`available` is what can be spent now: the balance and what of the credit limit is left."""

    id = fields.String(required=True)
    currency = fields.String(required=True)
    kind = fields.String(required=True)
    holder = fields.String(required=True, allow_none=True)
    balance = fields.Nested(MoneyView, required=True)
    available = fields.Nested(MoneyView, required=True)
    credit_limit = fields.Integer(required=True, allow_none=True)
    maximum_balance = fields.Integer(required=True, allow_none=True)
    territory = fields.String(required=True, allow_none=True)
    category = fields.String(required=True, allow_none=True)
    opened_at = fields.String(required=True)


class TransferView(Schema):
    id = fields.String(required=True)
    kind = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["posted"]))
    payer = fields.String(required=True)
    payee = fields.String(required=True)
    amount = fields.Nested(MoneyView, required=True)
    memo = fields.String(required=True)
    case_reference = fields.String(required=True)
    recorded_at = fields.String(required=True)
    occurred_at = fields.String(required=True)
    partition = fields.Integer(required=True)
    sequence = fields.Integer(required=True)
    hash = fields.String(required=True)


class AccountTransferView(TransferView):
    """A transfer seen from one account: `change` is signed, `balance` is the account's after it."""

    change = fields.Nested(MoneyView, required=True)
    balance = fields.Nested(MoneyView, required=True)
    counterparty = fields.String(required=True)


class BalanceView(Schema):
    account = fields.String(required=True)
    at = fields.String(required=True)
    axis = fields.String(required=True, validate=validate.OneOf(["recorded"]))
    balance = fields.Nested(MoneyView, required=True)
    sequence = fields.Integer(required=True)


# Arguments of the queries


class Arguments(Schema):
    """Arguments of a call between services: unknown fields are left aside, so that callers may be newer."""

    class Meta:
        unknown = EXCLUDE


class Page(Arguments):
    cursor = fields.String(validate=validate.Length(max=200), load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, validate=validate.Range(1, 200), load_default=50)


class ById(Arguments):
    id = fields.String(required=True, validate=validate.Length(max=64))


class ListAccounts(Page):
    currency = fields.String(load_default=None, allow_none=True)
    holder = fields.String(load_default=None, allow_none=True)


class FindPayees(Arguments):
    """Which of the holders have an account in the currency that a member may pay to."""

    currency = fields.String(required=True)
    holders = fields.List(fields.String(), required=True, validate=validate.Length(max=200))


class GetHolders(Arguments):
    """The holders of some accounts, so that a page can ask for their names."""

    accounts = fields.List(fields.String(), required=True, validate=validate.Length(max=200))


class ListAccountTransfers(Page):
    account = fields.String(required=True)


class GetBalance(Arguments):
    account = fields.String(required=True)
    at = fields.String(load_default=None, allow_none=True)


class ListEvents(Arguments):
    """Records after a sequence number, as CloudEvents."""

    partition = fields.Integer(strict=True, load_default=0, validate=validate.Range(0, 4095))
    after = fields.Integer(strict=True, load_default=0, validate=validate.Range(0, MAX_AMOUNT))
    limit = fields.Integer(strict=True, validate=validate.Range(1, 500), load_default=100)


class JournalSince(Arguments):
    """Records after a position; the answer is `diverged` where the journal has no such record."""

    partition = fields.Integer(strict=True, required=True)
    timeline = fields.String(required=True)
    sequence = fields.Integer(strict=True, required=True)
    hash = fields.String(required=True)
    limit = fields.Integer(strict=True, validate=validate.Range(1, 500), load_default=500)
