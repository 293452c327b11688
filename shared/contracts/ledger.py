"""The ledger's views and the arguments of its queries; its commands are in `commands`, what the API takes for
them in `ledger_inputs`.

Amounts are integers of minor units.
"""

from marshmallow import EXCLUDE, Schema, fields, validate

from shared.contracts.commands import RIGHTS
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import TRANSFER_KINDS, StrictBoolean

SERVICE = "ledger"
AUDIENCE = "ledger"
"""What internal tokens for the ledger, writer and queries alike, name as their audience."""

PENDING_STATUSES = ("pending", "voided", "lapsed")
PROPOSAL_STATUSES = ("pending", "approved", "rejected", "lapsed")
PROPOSABLE = ("reverse", "correct", "amend_charter")
SCHEDULE_STATUSES = ("active", "done", "cancelled")
BOOKING_KINDS = ("expiry", "closing")
"""What moves units of an account without being a transfer."""
AXES = ("recorded", "occurred")

EXPORT_ROWS = 2_000
"""How many rows one answer of an export has at most: half a megabyte of ordinary ones."""
EXPORTED = (
    "id",
    "kind",
    "status",
    "recorded_at",
    "occurred_at",
    "counterparty",
    "change",
    "balance",
    "memo",
    "case_reference",
)
"""What each row of an export has: times are Unix microseconds, amounts minor units."""


def writer_service(partition: int) -> str:
    """The name under which the writer of a partition is called; only the holder of the fence answers it."""
    return f"ledger_writer_{partition}"


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


class UnitsView(Schema):
    """Units of an account, or of a transfer, that are alike: what they may be spent for (null: anything) and
    the last day on which they can be (null: for ever).
    """

    purpose = fields.String(required=True, allow_none=True)
    expires_on = fields.String(required=True, allow_none=True)
    amount = fields.Nested(MoneyView, required=True)


class LimitsView(Schema):
    """Limits in force, in minor units; null where there is none. Soft ones warn, the others refuse. `spent`
    is what has left the account today and this month (UTC), as far as a limit asks for it to be counted.
    """

    per_transfer = fields.Integer(required=True, allow_none=True)
    per_day = fields.Integer(required=True, allow_none=True)
    per_month = fields.Integer(required=True, allow_none=True)
    soft_credit_limit = fields.Integer(required=True, allow_none=True)
    soft_per_day = fields.Integer(required=True, allow_none=True)
    soft_per_month = fields.Integer(required=True, allow_none=True)
    spent_today = fields.Integer(required=True)
    spent_this_month = fields.Integer(required=True)


class DelegateView(Schema):
    """Somebody who may operate an account beside its holder, and what of."""

    subject = fields.String(required=True)
    rights = fields.List(fields.String(validate=validate.OneOf(RIGHTS)), required=True)
    per_transfer = fields.Integer(required=True, allow_none=True)


class AccountView(Schema):
    """An account as it is by now: what has lapsed is out of it, whether that has been booked or not.

    `balance` is all that it holds: what is `reserved` for pending transfers, and `units`. `available` is
    what can be spent anywhere: the free units and what of the credit limit is left. `expires_soon` are units
    that lapse within the charter's days of notice. The answer to opening an account has no `limits` yet.
    `delegates` are told to the holder and to operators. `frozen_reason` is null where it has been erased.
    """

    id = fields.String(required=True)
    currency = fields.String(required=True)
    kind = fields.String(required=True)
    holder = fields.String(required=True, allow_none=True)
    balance = fields.Nested(MoneyView, required=True)
    available = fields.Nested(MoneyView, required=True)
    reserved = fields.Nested(MoneyView, required=True)
    units = fields.List(fields.Nested(UnitsView), required=True)
    expires_soon = fields.List(fields.Nested(UnitsView), required=True)
    credit_limit = fields.Integer(required=True, allow_none=True)
    maximum_balance = fields.Integer(required=True, allow_none=True)
    limits = fields.Nested(LimitsView)
    level = fields.Integer(required=True)
    territory = fields.String(required=True, allow_none=True)
    category = fields.String(required=True, allow_none=True)
    place = fields.String(required=True, allow_none=True)
    groups = fields.List(fields.String(), required=True)
    frozen = fields.String(required=True, allow_none=True, validate=validate.OneOf(["out", "all"]))
    frozen_reason = fields.String(required=True, allow_none=True)
    closed = fields.Boolean(required=True)
    delegates = fields.List(fields.Nested(DelegateView))
    opened_at = fields.String(required=True)


class AccountChangeView(Schema):
    """What a command changed of an account: the fields with their new values, as the journal has them; of one
    that was closed, what was left in it (minor units) and who has it now.
    """

    id = fields.String(required=True)
    type = fields.String(required=True)
    account = fields.String(required=True)
    changes = fields.Dict(keys=fields.String(), required=True)
    remainder = fields.Integer()
    remainder_to = fields.String()
    memo = fields.String(required=True)
    recorded_at = fields.String(required=True)
    partition = fields.Integer(required=True)
    sequence = fields.Integer(required=True)
    hash = fields.String(required=True)


class KeptBackView(Schema):
    """What of a transfer went elsewhere: a fee, or the penalty of an early redemption."""

    reason = fields.String(required=True, validate=validate.OneOf(["fee", "penalty"]))
    account = fields.String(required=True)
    amount = fields.Nested(MoneyView, required=True)


class GoodsView(Schema):
    category = fields.String(required=True)
    amount = fields.Integer(required=True)


class OccurrenceView(Schema):
    """Which payment of which schedule a transfer is."""

    id = fields.String(required=True)
    n = fields.Integer(required=True)


class TransferView(Schema):
    """A transfer. Whatever says nothing is left out.

    `status`: pending (reserved until `lapses_at`), posted, voided or lapsed. `asked`: what was asked for,
    where less was moved. `drawn`: which units, for those who see the payer's account. `refunded`: what of it
    has gone back since. `posted`: what of a reserved amount has been moved, by the transfer `posting`.
    `of`: the transfer that this one gives back or mends; `pending`: the reservation that it posts; `linked`:
    the command that it is a part of; `proposal` and `schedule`: by what it came. `warnings`: soft limits of
    the payer's that it is beyond, for those who see the payer's account (of linked transfers, every payer's).
    """

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(TRANSFER_KINDS))
    status = fields.String(required=True, validate=validate.OneOf(["posted", *PENDING_STATUSES]))
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
    asked = fields.Nested(MoneyView)
    purpose = fields.String()
    goods = fields.List(fields.Nested(GoodsView))
    drawn = fields.List(fields.Nested(UnitsView))
    kept_back = fields.List(fields.Nested(KeptBackView))
    lapses_at = fields.String()
    posted = fields.Nested(MoneyView)
    posting = fields.String()
    refunded = fields.Nested(MoneyView)
    of = fields.String()
    pending = fields.String()
    linked = fields.String()
    proposal = fields.String()
    schedule = fields.Nested(OccurrenceView)
    warnings = fields.List(fields.String())


class LinkedTransfersView(Schema):
    """Several transfers that were posted together."""

    id = fields.String(required=True)
    transfers = fields.List(fields.Nested(TransferView), required=True)
    memo = fields.String(required=True)
    case_reference = fields.String(required=True)
    recorded_at = fields.String(required=True)
    partition = fields.Integer(required=True)
    sequence = fields.Integer(required=True)
    hash = fields.String(required=True)


class AccountTransferView(TransferView):
    """What a command did to one account: `change` is signed, `balance` is the account's after it.

    Besides transfers there are rows of the kinds `expiry` (units that lapsed) and `closing` (the remainder of
    a closed account). `expired`: what of the change is units that lapsed. `others`: how many more transfers
    of the same command the account is party to. Where it only got the fee or the penalty of a transfer, of
    which the reader may see neither party, `amount` is that share, and `payer`, `counterparty` and whatever
    was written are empty.
    """

    kind = fields.String(required=True, validate=validate.OneOf([*TRANSFER_KINDS, *BOOKING_KINDS]))
    change = fields.Nested(MoneyView, required=True)
    balance = fields.Nested(MoneyView, required=True)
    counterparty = fields.String(required=True)
    expired = fields.Nested(MoneyView)
    others = fields.Integer()


class BalanceView(Schema):
    """`recorded`: what the books said at that time, which never changes any more. `occurred`: what was in the
    account by when things happened, as far as it has been told until record `sequence`; later records may
    change it, so it is `provisional`.
    """

    account = fields.String(required=True)
    at = fields.String(required=True)
    axis = fields.String(required=True, validate=validate.OneOf(AXES))
    balance = fields.Nested(MoneyView, required=True)
    sequence = fields.Integer(required=True)
    provisional = fields.Boolean(required=True)


class ProposalView(Schema):
    """Something that waits for a second person. `command`: what is proposed; `content`: its terms.
    `lapses_at`: until when it can be approved. `made`: the command by which it was, which is the id of the
    transfer that came of it.
    """

    id = fields.String(required=True)
    command = fields.String(required=True, validate=validate.OneOf(PROPOSABLE))
    status = fields.String(required=True, validate=validate.OneOf(PROPOSAL_STATUSES))
    proposed_by = fields.String(required=True)
    lapses_at = fields.String(required=True, allow_none=True)
    memo = fields.String(required=True)
    content = fields.Dict(keys=fields.String(), required=True)
    amount = fields.Nested(MoneyView)
    decided_by = fields.String()
    made = fields.String()


class SkippedView(Schema):
    n = fields.Integer(required=True)
    failure = fields.String(required=True)


class ScheduleView(Schema):
    """Payments to come. `n` counts those that are behind, from 0; `attempt` is the next one's, and `next_at`
    its time. `failure`: why the last attempt failed. `skipped`: the last payments that were given up.
    """

    id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(SCHEDULE_STATUSES))
    payer = fields.String(required=True)
    payee = fields.String(required=True)
    amount = fields.Nested(MoneyView, required=True)
    memo = fields.String(required=True)
    first_at = fields.String(required=True)
    every = fields.String(required=True)
    count = fields.Integer(required=True)
    n = fields.Integer(required=True)
    attempt = fields.Integer(required=True)
    next_at = fields.String(required=True, allow_none=True)
    failure = fields.String()
    skipped = fields.List(fields.Nested(SkippedView))


class VersionView(Schema):
    version = fields.Integer(required=True)
    valid_from = fields.String(required=True)


class CharterView(Schema):
    """One version of a currency's charter, and which versions there are; `in_force`: whether it holds now."""

    currency = fields.String(required=True)
    version = fields.Integer(required=True)
    valid_from = fields.String(required=True)
    in_force = fields.Boolean(required=True)
    versions = fields.List(fields.Nested(VersionView), required=True)
    charter = fields.Dict(keys=fields.String(), required=True)


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
    """`delegated`: accounts of others that the caller may operate, in place of the caller's own."""

    currency = fields.String(load_default=None, allow_none=True)
    holder = fields.String(load_default=None, allow_none=True)
    delegated = StrictBoolean(load_default=False)


class FindPayees(Arguments):
    """Which of the holders have an account in the currency that a member may pay to."""

    currency = fields.String(required=True)
    holders = fields.List(fields.String(), required=True, validate=validate.Length(max=200))


class GetHolders(Arguments):
    """The holders of some accounts, so that a page can ask for their names."""

    accounts = fields.List(fields.String(), required=True, validate=validate.Length(max=200))


class OfAccount(Page):
    """A list that belongs to an account."""

    account = fields.String(required=True)


class ListAccountTransfers(OfAccount):
    """Newest first."""


class ExportAccountTransfers(Arguments):
    """As `ListAccountTransfers`, in rows of EXPORTED; at most EXPORT_ROWS at a time."""

    account = fields.String(required=True)
    cursor = fields.String(validate=validate.Length(max=200), load_default=None, allow_none=True)
    limit = fields.Integer(strict=True, validate=validate.Range(1, EXPORT_ROWS), load_default=EXPORT_ROWS)


class ListProposals(Page):
    """Newest first; of one status, or all."""

    status = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(PROPOSAL_STATUSES))


class GetCharter(Arguments):
    """A version by its number, or the one in force at a time; without either, the one in force now."""

    currency = fields.String(required=True)
    version = fields.Integer(strict=True, load_default=None, allow_none=True)
    at = fields.String(load_default=None, allow_none=True)


class GetBalance(Arguments):
    account = fields.String(required=True)
    at = fields.String(load_default=None, allow_none=True)
    axis = fields.String(load_default="recorded", validate=validate.OneOf(AXES))


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
