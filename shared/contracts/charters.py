"""The charter: a currency's rules, as one versioned document.

A version holds from a moment on, after a second person's approval. Amounts and limits are integers of minor
units; days are days in UTC. What may not be said together is told in `docs/charters.md` and refused by
`services/ledger/kernel/contradictions.py` with the clause named.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import (
    MAX_LANGUAGES,
    TEXT_PATTERN,
    Amount,
    BasisPoints,
    Date,
    Id,
    Language,
    Limit,
    Names,
    Tag,
)

MAX_BUCKETS = 128
"""How many buckets an account may have at most, those of reservations too."""
MAX_PURPOSES = 16
MAX_LIMIT_ROWS = 16
MAX_PENALTIES = 8
MAX_LEVEL = 3
"""Levels of verification: 0 nobody has looked, 1 contact checked, 2 identity checked, 3 in person."""

Lot = Literal["day", "week", "month"]
Days = Annotated[int, Meta(ge=1, le=3660)]
Level = Annotated[int, Meta(ge=0, le=MAX_LEVEL)]
Symbol = Annotated[str, Meta(min_length=1, max_length=12, pattern=TEXT_PATTERN)]
Prose = Annotated[str, Meta(min_length=1, max_length=2000, pattern=TEXT_PATTERN)]
Tags = Annotated[list[Tag], Meta(max_length=20)]


class Clause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a charter. Unknown fields are refused: a rule that is not understood must not be lost."""


class LimitClause(Clause, frozen=True, kw_only=True):
    """Limits of accounts of a kind whose holder is verified to a level (and of higher levels that no row of
    their own covers). None: no limit. A soft limit warns, a hard one refuses.
    """

    kind: Literal["member", "organisation"]
    level: Level = 0
    credit_limit: Limit = 0
    maximum_balance: Limit = MAX_AMOUNT
    per_transfer: Amount | None = None
    per_day: Amount | None = None
    per_month: Amount | None = None
    soft_credit_limit: Limit | None = None
    soft_per_day: Amount | None = None
    soft_per_month: Amount | None = None


class IssuanceClause(Clause, frozen=True, kw_only=True):
    """How units come into being: by operators, if at all."""

    allowed: bool = True
    case_reference_required: bool = False


class Penalty(Clause, frozen=True, kw_only=True):
    """What is kept back of units redeemed after fewer than `under_days` days in the account."""

    under_days: Days
    basis_points: Annotated[int, Meta(ge=1, le=10_000)]


class RedemptionClause(Clause, frozen=True, kw_only=True):
    """How units end: at whose request, and what is kept back (penalties, to the account `penalty_to`).

    With penalties, units are told apart by when they were received, in lots.
    """

    allowed: bool = True
    case_reference_required: bool = False
    kinds: Annotated[list[Literal["member", "organisation"]], Meta(min_length=1, max_length=2)] = field(
        default_factory=lambda: ["member", "organisation"]
    )
    minimum: Amount | None = None
    penalties: Annotated[list[Penalty], Meta(max_length=MAX_PENALTIES)] = field(default_factory=list)
    penalty_to: Id | None = None
    lot: Lot = "day"


class FeeClause(Clause, frozen=True, kw_only=True):
    """A fee on every payment: a fixed part and a share, to the account `to`."""

    to: Id
    fixed: Limit = 0
    basis_points: BasisPoints = 0
    paid_by: Literal["payer", "payee"] = "payee"


class ExpiryClause(Clause, frozen=True, kw_only=True):
    """Units lapse `after_days` days after their issuance, counted from the end of their lot.

    `carries`: the day goes with the units when they are paid on; otherwise who receives them keeps them for
    good. Accounts tell `notice_days` before (`expires_soon`), and the wallet shows it.
    """

    after_days: Days
    lot: Lot = "day"
    notice_days: Annotated[int, Meta(ge=0, le=365)] = 14
    carries: bool = False


class PurposeClause(Clause, frozen=True, kw_only=True):
    """Units that may be spent only at some payees, for some goods, between two days (both included).

    A payee must fit every list that is not empty: its category, its place, one of its groups. `goods` are
    categories of goods, as a till names them. `until`: units of this purpose lapse at the end of that day.
    `carries`: the restriction goes with the units; otherwise it ends with who receives them.
    """

    code: Tag
    names: Names
    categories: Tags = field(default_factory=list)
    places: Tags = field(default_factory=list)
    groups: Tags = field(default_factory=list)
    goods: Tags = field(default_factory=list)
    since: Date | None = None
    until: Date | None = None
    carries: bool = False


class Charter(Clause, frozen=True, kw_only=True):
    """All the rules of a currency. Its kind and minor units are fixed when it is created and repeated here,
    so that the document can be read by itself. Names, symbols and descriptions are by language.
    """

    names: Names
    symbols: Annotated[dict[Language, Symbol], Meta(max_length=MAX_LANGUAGES)] = field(default_factory=dict)
    kind: Literal["mutual_credit", "backed", "time"]
    minor_units: Literal[1, 10, 60, 100, 1000]
    limits: Annotated[list[LimitClause], Meta(min_length=1, max_length=MAX_LIMIT_ROWS)]
    issuance: IssuanceClause = field(default_factory=IssuanceClause)
    redemption: RedemptionClause = field(default_factory=RedemptionClause)
    fee: FeeClause | None = None
    expiry: ExpiryClause | None = None
    purposes: Annotated[list[PurposeClause], Meta(max_length=MAX_PURPOSES)] = field(default_factory=list)
    description: Annotated[dict[Language, Prose], Meta(max_length=MAX_LANGUAGES)] = field(
        default_factory=dict
    )


def document(charter: Charter) -> dict[str, Any]:
    """The charter as plain data, with every default written out: what is adopted must not change when a
    later version of the program has other defaults.
    """
    whole: dict[str, Any] = _whole(charter)
    return whole


def accounts_named(charter: Charter) -> dict[str, str]:
    """The accounts that a charter has something paid into, by the place (JSON pointer) that names them."""
    named = {
        "/fee/to": charter.fee.to if charter.fee is not None else None,
        "/redemption/penalty_to": charter.redemption.penalty_to,
    }
    return {place: id for place, id in named.items() if id is not None}


def read(plain: dict[str, Any]) -> Charter:
    """A charter from plain data. Raises msgspec.ValidationError, which names the place."""
    return msgspec.convert(plain, Charter)


def _whole(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _whole(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return value
