"""What the records of the journal hold, by type: the part that partners may build on.

Every record says the same way what it changes (`RecordData`): whoever applies that needs no more to know
what has become of every account, whatever the type.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from shared.contracts import journal
from shared.contracts.charters import MAX_LEVEL
from shared.contracts.commands import MAX_OCCURRENCES, SCHEDULE_ATTEMPTS
from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS
from shared.contracts.primitives import ACCOUNT_KINDS, CODE_PATTERN, CURRENCY_KINDS, TRANSFER_KINDS


def _amount(**options: Any) -> fields.Integer:
    return fields.Integer(validate=validate.Range(1, MAX_AMOUNT), **options)


class RecordedTerms(Schema):
    """What is agreed with an account's holder, each where there is something to say: how far the holder's
    identity is verified (`level`), tags, limits of its own, the version of the charter that its limits are
    taken from, whether it is frozen (and by which command, `freeze`) or closed, and who else operates it.
    """

    level = fields.Integer(validate=validate.Range(0, MAX_LEVEL))
    place = fields.String()
    groups = fields.List(fields.String())
    own = fields.Dict(keys=fields.String(), values=fields.Integer())
    charter = fields.Integer()
    frozen = fields.String(validate=validate.OneOf(["out", "all"]))
    freeze = fields.String()
    closed = fields.Boolean()
    delegates = fields.Dict(keys=fields.String())


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
    terms = fields.Nested(RecordedTerms)


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


class RecordedOccurrence(Schema):
    """Which payment of which schedule: `n` counts from 0."""

    id = fields.String(required=True)
    n = fields.Integer(required=True, validate=validate.Range(0, MAX_OCCURRENCES - 1))


class RecordedTransfer(Schema):
    """A transfer that the record posts or reserves; `note` is the salted hash of memo and case reference,
    where it has any.

    Where there is something to say: `asked` (more than was moved), `purpose` (of units issued), `goods`
    (pairs of category and amount), `drawn` (pairs of bucket and amount, in the order in which they were
    taken), `kept_back` (triples of reason, account and amount: what did not reach the payee), `lapses_at`
    (Unix microseconds, of one reserved), `pending` (the reservation that is posted), `of` (the transfer that
    goes back or is mended), `proposal` and `schedule` (by what it came).
    """

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(TRANSFER_KINDS))
    currency = fields.String(required=True, validate=validate.Regexp(CODE_PATTERN))
    amount = _amount(required=True)
    payer = fields.String(required=True)
    payee = fields.String(required=True)
    note = fields.String()
    asked = _amount()
    purpose = fields.String()
    goods = fields.List(fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=2)))
    drawn = fields.List(fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=2)))
    kept_back = fields.List(fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=3)))
    lapses_at = fields.Integer()
    pending = fields.String()
    of = fields.String()
    proposal = fields.String()
    schedule = fields.Nested(RecordedOccurrence)


class RecordedSchedule(Schema):
    """The schedule that the record creates or ends."""

    id = fields.String(required=True)


class RecordedAttempt(Schema):
    """A payment of a schedule that could not be made: which attempt it was, and why it was refused."""

    id = fields.String(required=True)
    n = fields.Integer(required=True, validate=validate.Range(0, MAX_OCCURRENCES - 1))
    attempt = fields.Integer(required=True, validate=validate.Range(1, SCHEDULE_ATTEMPTS))
    refusal = fields.String(required=True)


class RecordedCorrection(Schema):
    """The transfer that would mend a mistake, perhaps in another one (`of`)."""

    currency = fields.String(required=True, validate=validate.Regexp(CODE_PATTERN))
    amount = _amount(required=True)
    payer = fields.String(required=True)
    payee = fields.String(required=True)
    of = fields.String()


class RecordedVersion(Schema):
    """A version of a currency's charter, and from when on it holds (Unix microseconds)."""

    currency = fields.String(required=True, validate=validate.Regexp(CODE_PATTERN))
    version = fields.Integer(required=True)
    valid_from = fields.Integer(required=True)


class RecordedTimeline(Schema):
    """A journal restored from a copy goes on in a new timeline: the one `before`, and the new one."""

    id = fields.String(required=True)
    before = fields.String(required=True)


class RecordedSettling(Schema):
    """What time had done to the accounts that the record touches: pending transfers that lapsed, and units
    that did, as triples of account, bucket and amount.
    """

    lapsed = fields.List(fields.String())
    expired = fields.List(fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=3)))


class RecordData(Schema):
    """What a record of any type holds; the types' own parts come beside it.

    `entries`: lists of account, bucket ("" is plain money), amount and the bucket's balance after it, in
    minor units; amounts of a currency sum to zero. `changes`: pairs of an account and those of its fields
    that change, with their new values. `sets`: lists of kind, id, owner, due time and body of what else is
    remembered; without a body it is forgotten. `command` is the command's id where nothing else tells it,
    `content` a salted hash of it, `note` one of what people wrote with it.
    """

    principal = fields.String()
    accounts = fields.List(fields.Nested(RecordedAccount), required=True)
    entries = fields.List(
        fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=4)), required=True
    )
    changes = fields.List(fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=2)))
    sets = fields.List(fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=5)))
    settled = fields.Nested(RecordedSettling)
    warnings = fields.List(fields.String())
    command = fields.String()
    content = fields.String()
    note = fields.String()


class CurrencyCreated(RecordData):
    currency = fields.Nested(RecordedCurrency, required=True)


class AccountOpened(RecordData):
    """The account is the one of `accounts`."""


class TransferRecorded(RecordData):
    """Of a transfer posted, or reserved."""

    transfer = fields.Nested(RecordedTransfer, required=True)


class TransferVoided(RecordData):
    """What a pending transfer reserved is free again."""

    pending = fields.String(required=True)


class TransfersLinked(RecordData):
    """Transfers posted together, in their order."""

    transfers = fields.List(fields.Nested(RecordedTransfer), required=True)


class ProposalRecorded(RecordData):
    """Of a proposal made or rejected. Its terms are in `sets`, under the kind `proposal`."""

    proposal = fields.String(required=True)


class ReversalProposed(ProposalRecorded):
    of = fields.String(required=True)


class CorrectionProposed(ProposalRecorded):
    correction = fields.Nested(RecordedCorrection, required=True)


class CharterRecorded(ProposalRecorded):
    """Of a charter proposed or adopted. The document is in `sets`, in the proposal or under the kind
    `charter`.
    """

    charter = fields.Nested(RecordedVersion, required=True)


class ScheduleRecorded(RecordData):
    """Of a schedule created or cancelled. Its terms are in `sets`, under the kind `schedule`."""

    schedule = fields.Nested(RecordedSchedule, required=True)


class PaymentFailed(RecordData):
    """A payment of a schedule could not be made; it is tried again, or was skipped."""

    schedule = fields.Nested(RecordedAttempt, required=True)


class AccountRecorded(RecordData):
    """Of an account whose terms, tags or limits changed, which was frozen or unfrozen, or settled."""

    account = fields.String(required=True)
    direction = fields.String()


class AccountClosed(AccountRecorded):
    """`remainder`, where there was any, is at `remainder_to` by now; in minor units."""

    remainder = fields.Integer()
    remainder_to = fields.String()


class TimelineBegun(RecordData):
    timeline = fields.Nested(RecordedTimeline, required=True)


PAYLOADS: Mapping[str, type[RecordData]] = {
    journal.CURRENCY_CREATED: CurrencyCreated,
    journal.ACCOUNT_OPENED: AccountOpened,
    journal.TRANSFER_POSTED: TransferRecorded,
    journal.TRANSFER_RESERVED: TransferRecorded,
    journal.TRANSFER_VOIDED: TransferVoided,
    journal.TRANSFERS_LINKED: TransfersLinked,
    journal.REVERSAL_PROPOSED: ReversalProposed,
    journal.CORRECTION_PROPOSED: CorrectionProposed,
    journal.CHARTER_PROPOSED: CharterRecorded,
    journal.CHARTER_ADOPTED: CharterRecorded,
    journal.PROPOSAL_REJECTED: ProposalRecorded,
    journal.SCHEDULE_CREATED: ScheduleRecorded,
    journal.SCHEDULE_CANCELLED: ScheduleRecorded,
    journal.SCHEDULE_FAILED: PaymentFailed,
    journal.SCHEDULE_SKIPPED: PaymentFailed,
    journal.ACCOUNT_CHANGED: AccountRecorded,
    journal.ACCOUNT_FROZEN: AccountRecorded,
    journal.ACCOUNT_UNFROZEN: AccountRecorded,
    journal.ACCOUNT_CLOSED: AccountClosed,
    journal.ACCOUNT_SETTLED: AccountRecorded,
    journal.TIMELINE_BEGUN: TimelineBegun,
}
"""What a record of each type holds."""
