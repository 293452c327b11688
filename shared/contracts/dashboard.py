"""What the dashboard is asked and answers: the catalogue of indicators and their figures.

A call with an operator's or administrator's token gets live figures. Everybody else gets closed periods
alone, and no figure behind which fewer than five accounts stand, or one that makes more than 60 %; simulated
currencies are exempt from both.
"""

from marshmallow import Schema, fields, validate

from shared.contracts.ledger import Arguments

SERVICE = "dashboard"
AUDIENCE = "dashboard"
PERIODS = ("day", "week", "month", "quarter", "year", "all")
ACCOUNTS = ("all", "active")
"""Over which accounts a Gini index is taken: all, or those that took part in a transfer of the period."""
MAX_PERIODS = 400
"""How many periods one answer covers at most."""


class GetIndicator(Arguments):
    """One indicator of a currency. `start` and `end` are dates (end excluded) that snap outwards to whole
    periods.

    Without them the answer covers all that is known, at most the last 400 periods.
    """

    code = fields.String(required=True, validate=validate.Length(max=60))
    currency = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=10))
    territory = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=40))
    start = fields.Date(data_key="from", load_default=None, allow_none=True)
    end = fields.Date(data_key="to", load_default=None, allow_none=True)
    period = fields.String(load_default="month", validate=validate.OneOf(PERIODS))
    accounts = fields.String(load_default="all", validate=validate.OneOf(ACCOUNTS))


class GetOverview(Arguments):
    """Several indicators of a currency in one answer, for a page."""

    currency = fields.String(required=True, validate=validate.Length(max=10))
    codes = fields.List(fields.String(), required=True, validate=validate.Length(1, 30))
    territory = fields.String(load_default=None, allow_none=True)
    start = fields.Date(data_key="from", load_default=None, allow_none=True)
    end = fields.Date(data_key="to", load_default=None, allow_none=True)
    period = fields.String(load_default="month", validate=validate.OneOf(PERIODS))
    accounts = fields.String(load_default="all", validate=validate.OneOf(ACCOUNTS))


class IndicatorView(Schema):
    """An indicator of the catalogue. `unit`: money, count, share, per_week, weeks or number; `version` of its
    formula.
    """

    code = fields.String(required=True)
    name = fields.String(required=True)
    definition = fields.String(required=True)
    unit = fields.String(required=True)
    excludes = fields.String(required=True)
    source = fields.String(required=True)
    version = fields.Integer(required=True)


class ValueView(Schema):
    """The figure of one period [start, end). An undefined one is null, with a reason. Money is in minor
    units.

    Where it was worked out before, when the period had closed, `position` and `as_of` are those of that time,
    instead of the series'.
    """

    start = fields.Date(required=True)
    end = fields.Date(required=True)
    closed = fields.Boolean(required=True)
    value = fields.Raw(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    position = fields.Nested(lambda: PositionView())
    as_of = fields.String(allow_none=True)


class PositionView(Schema):
    partition = fields.Integer(required=True)
    timeline = fields.String(required=True)
    sequence = fields.Integer(required=True)
    hash = fields.String(required=True)


class IndicatorSeriesView(Schema):
    indicator = fields.Nested(IndicatorView, required=True)
    currency = fields.String(required=True, allow_none=True)
    minor_units = fields.Integer(required=True, allow_none=True)
    simulated = fields.Boolean(required=True)
    territory = fields.String(required=True, allow_none=True)
    period = fields.String(required=True)
    values = fields.List(fields.Nested(ValueView), required=True)
    position = fields.Nested(PositionView, required=True)
    as_of = fields.String(required=True, allow_none=True)
    stalled = fields.Boolean(required=True)
