"""The ledger's commands and views: what wallets, tills, imports and other services say to it and hear from
it.

Commands are msgspec structs: strict, compiled, and the same for a single payment, a bulk upload and an
import. Everything else is marshmallow. Amounts are integers of minor units; times inside commands are Unix
microseconds.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from marshmallow import EXCLUDE, Schema, fields, validate
from msgspec import Meta

from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS

SERVICE = "ledger"
AUDIENCE = "ledger"
"""What internal tokens for the ledger, writer and queries alike, name as their audience."""

WRITER_BATCH_LIMIT = 500
"""How many commands one call of the writer carries at most."""
BULK_MAX_LINES = 10_000
BULK_MAX_BYTES = 4 * 1024 * 1024
MEMO_MAX_LENGTH = 140

# In Python, `$` alone also stands before a newline at the end.
CODE_PATTERN = r"^[A-Z][A-Z0-9]{1,9}(?!\n)$"
ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?!\n)$"
TAG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,39}(?!\n)$"
LANGUAGE_PATTERN = r"^[a-z]{2}(?!\n)$"
TEXT_PATTERN = r"^[^\u0000]*$"
"""PostgreSQL stores no text with this character."""

PATTERN_MEANINGS: Mapping[str, str] = {
    CODE_PATTERN: "2 to 10 capital letters and digits, a letter first",
    ID_PATTERN: "a UUIDv7 in lower case, with its hyphens",
    TAG_PATTERN: "1 to 40 small letters, digits and hyphens, no hyphen first",
    LANGUAGE_PATTERN: "a language's code of two small letters",
    TEXT_PATTERN: "text without the character U+0000",
}
"""What would be right, for those who sent something else."""

CURRENCY_KINDS = ("mutual_credit", "backed", "time")
ACCOUNT_KINDS = ("member", "organisation", "issuance", "redemption")
HOLDER_KINDS = ("member", "organisation")
"""The kinds of account that people and organisations hold; the others belong to the currency itself."""
TRANSFER_KINDS = ("issuance", "payment", "redemption")

Id = Annotated[str, Meta(pattern=ID_PATTERN, description="UUIDv7 in canonical form")]
Code = Annotated[
    str, Meta(pattern=CODE_PATTERN, description="2 to 10 capital letters and digits, a letter first")
]
Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="minor units")]
Limit = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
Tag = Annotated[str, Meta(pattern=TAG_PATTERN)]
Memo = Annotated[str, Meta(max_length=MEMO_MAX_LENGTH, pattern=TEXT_PATTERN)]
CaseReference = Annotated[str, Meta(max_length=60, pattern=TEXT_PATTERN)]


def matching(pattern: str) -> validate.Regexp:
    """A check that a field is as one of the patterns here, which otherwise says what would be right."""
    return validate.Regexp(pattern, error=PATTERN_MEANINGS[pattern])


class StrictBoolean(fields.Boolean):
    """true or false, and nothing that merely resembles them."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


def writer_service(partition: int) -> str:
    """The name under which the writer of a partition is called; only the holder of the fence answers it."""
    return f"ledger_writer_{partition}"


# Commands


class Transfer(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="transfer"
):
    """Move money. The payer of an issuance and the payee of a redemption may be left out: the currency's own
    account.

    `occurred_at` is data, in the past, and needs a permission of its own; without it, the time of recording
    counts. `memo` and `case_reference` stay out of the journal, which holds only their salted hash.
    """

    id: Id
    kind: Literal["issuance", "payment", "redemption"]
    currency: Code
    amount: Amount
    payer: Id | None = None
    payee: Id | None = None
    memo: Memo = ""
    case_reference: CaseReference = ""
    occurred_at: int | None = None


class OpenAccount(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="open_account"
):
    """Open an account, whose id is the command's. Without limits of its own it takes those of the currency.

    `holder` is an opaque id. `territory` and `category` are opaque tags that indicators are split by.
    """

    id: Id
    currency: Code
    kind: Literal["member", "organisation"]
    holder: Id
    credit_limit: Limit | None = None
    maximum_balance: Limit | None = None
    territory: Tag | None = None
    category: Tag | None = None
    occurred_at: int | None = None


class CreateCurrency(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="create_currency"
):
    """Create a currency and its two own accounts, one that issues and one that redeems.

    `names` maps a language code to the name; English is compulsory. `simulated` marks demo data for good.
    """

    id: Id
    code: Code
    names: dict[
        Annotated[str, Meta(pattern=LANGUAGE_PATTERN)],
        Annotated[str, Meta(min_length=1, max_length=60, pattern=TEXT_PATTERN)],
    ]
    minor_units: Literal[1, 10, 60, 100, 1000]
    kind: Literal["mutual_credit", "backed", "time"]
    default_credit_limit: Limit = 0
    maximum_balance: Limit = MAX_AMOUNT
    territory: Tag
    simulated: bool = False
    occurred_at: int | None = None


Command = Transfer | OpenAccount | CreateCurrency


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
