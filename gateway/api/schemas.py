"""What the addresses of the API take in their query, and the envelopes of what they answer."""

from marshmallow import Schema, fields, validate

from shared.contracts import cop, dashboard, identity, ledger, toolbox
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import CODE_PATTERN, ID_PATTERN, TAG_PATTERN, matching


class CursorQuery(Schema):
    cursor = fields.String(
        validate=validate.Length(1, 400), metadata={"description": "next_cursor of the last page"}
    )


class PageQuery(CursorQuery):
    limit = fields.Integer(validate=validate.Range(1, 200), load_default=50)


class AccountsQuery(PageQuery):
    currency = fields.String(validate=matching(CODE_PATTERN))
    holder = fields.String(validate=matching(ID_PATTERN))
    delegated = fields.Boolean(
        metadata={"description": "accounts of others that the reader may operate, instead of their own"}
    )


class BalanceQuery(Schema):
    at = fields.String(
        validate=validate.Length(1, 40),
        metadata={"description": "RFC 3339; now, where left out", "format": "date-time"},
    )
    axis = fields.String(
        validate=validate.OneOf(ledger.AXES),
        metadata={"description": "the time of recording, or of happening; `recorded`, where left out"},
    )


class ProposalsQuery(PageQuery):
    status = fields.String(validate=validate.OneOf(ledger.PROPOSAL_STATUSES))


class SchedulesQuery(PageQuery):
    account = fields.String(required=True, validate=matching(ID_PATTERN))


class CharterQuery(Schema):
    version = fields.Integer(validate=validate.Range(1, 1000))
    at = fields.String(
        validate=validate.Length(1, 40),
        metadata={"description": "RFC 3339: the version in force then", "format": "date-time"},
    )


class EventsQuery(Schema):
    partition = fields.Integer(validate=validate.Range(0, 4095), load_default=0)
    after = fields.Integer(
        validate=validate.Range(0, MAX_AMOUNT),
        load_default=0,
        metadata={"description": "up_to of the answer before"},
    )
    limit = fields.Integer(validate=validate.Range(1, 500), load_default=100)


class IndicatorQuery(Schema):
    """`from` and `to` (excluded) are dates that snap outwards to whole periods."""

    currency = fields.String(validate=matching(CODE_PATTERN))
    territory = fields.String(validate=matching(TAG_PATTERN))
    start = fields.Date(data_key="from")
    end = fields.Date(data_key="to")
    period = fields.String(validate=validate.OneOf(dashboard.PERIODS), load_default="month")
    accounts = fields.String(validate=validate.OneOf(dashboard.ACCOUNTS), load_default="all")


class _ListView(Schema):
    next_cursor = fields.String(required=True, allow_none=True)
    has_more = fields.Boolean(required=True)


class AccountListView(_ListView):
    data = fields.List(fields.Nested(ledger.AccountView), required=True)


class AccountTransferListView(_ListView):
    data = fields.List(fields.Nested(ledger.AccountTransferView), required=True)


class TransferListView(_ListView):
    data = fields.List(fields.Nested(ledger.TransferView), required=True)


class ProposalListView(_ListView):
    data = fields.List(fields.Nested(ledger.ProposalView), required=True)


class ScheduleListView(_ListView):
    data = fields.List(fields.Nested(ledger.ScheduleView), required=True)


class CurrencyListView(_ListView):
    data = fields.List(fields.Nested(ledger.CurrencyView), required=True)


class IndicatorListView(Schema):
    data = fields.List(fields.Nested(dashboard.IndicatorView), required=True)


class EventListView(Schema):
    """Events as CloudEvents 1.0. What the reader may not see leaves gaps: go on from `up_to`."""

    data = fields.List(fields.Dict(), required=True)
    up_to = fields.Integer(required=True)


class NoInput(Schema):
    """An empty object: the address says all."""


class GroupsQuery(PageQuery):
    kind = fields.String(validate=validate.OneOf(cop.GROUP_KINDS))
    text = fields.String(
        validate=validate.Length(max=100),
        metadata={"description": "words that stand in the name or description"},
    )
    mine = fields.Boolean(metadata={"description": "only where one is a member, has asked or is invited"})


class MembersQuery(PageQuery):
    status = fields.String(validate=validate.OneOf(cop.MEMBER_STATUSES), load_default="active")


class _Names(Schema):
    names = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "names of the people whose ids stand in this answer"},
    )


class GroupListView(_ListView):
    data = fields.List(fields.Nested(cop.GroupView), required=True)


class MemberListView(_ListView, _Names):
    data = fields.List(fields.Nested(cop.MembershipView), required=True)


class TopicListView(_ListView, _Names):
    data = fields.List(fields.Nested(cop.TopicView), required=True)


class ReplyListView(_ListView, _Names):
    data = fields.List(fields.Nested(cop.ReplyView), required=True)


class TopicWithNames(cop.TopicView, _Names):
    pass


class ReplyWithNames(cop.ReplyView, _Names):
    pass


class RevisionListView(Schema):
    data = fields.List(fields.Nested(cop.RevisionView), required=True)


class DocumentsQuery(PageQuery):
    q = fields.String(validate=validate.Length(max=200), metadata={"description": "words to look for"})


class DownloadQuery(Schema):
    version = fields.Integer(
        validate=validate.Range(1, toolbox.MAX_VERSIONS),
        metadata={"description": "its number; the newest, where left out"},
    )


class DocumentListView(_ListView):
    data = fields.List(fields.Nested(toolbox.DocumentView), required=True)


class CurrentSessionView(Schema):
    person = fields.Nested(identity.PersonView, required=True)


class FaultView(Schema):
    pointer = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemView(Schema):
    """RFC 9457. `type` ends in the slug that programs go by; `parameters` are the facts that `detail` tells
    in words.
    """

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    parameters = fields.Dict()
    errors = fields.List(fields.Nested(FaultView))
