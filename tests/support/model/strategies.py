"""What random histories are made of: charters, amounts, leaps of the clock."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from shared.contracts import clock
from shared.contracts.charters import (
    Charter,
    ExpiryClause,
    FeeClause,
    IssuanceClause,
    LimitClause,
    Penalty,
    PurposeClause,
    RedemptionClause,
)
from shared.contracts.money import MAX_AMOUNT
from tests.support.model.dates import DAY_US, HOUR_US, day_of

BEGINNING = clock.from_text("2026-01-29T22:30:00Z")
TAGS = ("food", "toys")
PLACES = ("triana", "nervion")
GROUPS = ("kids", "elders")

LEAPS = (
    *(1_000_000, 60_000_000, 61_000_000, HOUR_US, HOUR_US + 1, 9 * HOUR_US, DAY_US, DAY_US + HOUR_US),
    *(3 * DAY_US, 6 * DAY_US, 15 * DAY_US, 31 * DAY_US, -1_000_000, -50_000_000),
)

amounts = st.one_of(
    st.integers(1, 60),
    st.sampled_from((1, 5, 10, 20, 50, 99, 100, 101)),
    st.sampled_from((150, 1000, MAX_AMOUNT)),
)
small_amounts = st.integers(1, 60)
picks = st.integers(0, 11)
"""Chooses one of several; taken modulo their number."""


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


def limit_rows() -> st.SearchStrategy[list[LimitClause]]:
    row = st.fixed_dictionaries(
        {
            "credit_limit": st.sampled_from((0, 0, 30, 80)),
            "maximum_balance": st.sampled_from((MAX_AMOUNT, MAX_AMOUNT, 160, 1000)),
            "per_transfer": st.sampled_from((None, None, None, 60)),
            "per_day": st.sampled_from((None, None, None, 90)),
            "per_month": st.sampled_from((None, None, None, 140)),
            "soft_credit_limit": st.sampled_from((None, 0, 20)),
            "soft_per_day": st.sampled_from((None, None, 40)),
            "soft_per_month": st.sampled_from((None, None, 70)),
        }
    )
    return st.tuples(row, row, row).map(
        lambda rows: [
            LimitClause(kind="member", level=0, **rows[0]),
            LimitClause(kind="organisation", level=0, **rows[1]),
            LimitClause(kind="member", level=2, **rows[2]),
        ]
    )


@st.composite
def purposes(draw: st.DrawFn, today_us: int) -> list[PurposeClause]:
    found = []
    for code in draw(st.lists(st.sampled_from(("meals", "books", "holiday")), unique=True, max_size=3)):
        until = draw(maybe(st.sampled_from((2, 9, 40))))
        since = draw(st.sampled_from((None, None, -3, 2)))
        if since is not None and until is not None and since > until:
            since = None
        kind = draw(st.sampled_from(("categories", "places", "groups", "goods", "categories")))
        tags = {"categories": TAGS, "goods": TAGS, "places": PLACES, "groups": GROUPS}[kind]
        fields: dict[str, Any] = {kind: [draw(st.sampled_from(tags))]}
        found.append(
            PurposeClause(
                code=code,
                names={"en": code},
                since=None if since is None else _day(today_us, since),
                until=None if until is None else _day(today_us, until),
                carries=draw(st.booleans()),
                **fields,
            )
        )
    return found


@st.composite
def charters(draw: st.DrawFn, today_us: int, community: str, kind: str = "backed") -> Charter:
    """Charters of a currency that contradict neither themselves nor each other. `community` takes what is
    kept back.
    """
    penalties = draw(
        st.sampled_from(
            (
                [],
                [Penalty(under_days=5, basis_points=1000)],
                [Penalty(under_days=3, basis_points=5000), Penalty(under_days=20, basis_points=333)],
            )
        )
    )
    fee = draw(
        st.sampled_from(
            (
                None,
                FeeClause(to=community, fixed=2),
                FeeClause(to=community, basis_points=500, paid_by="payer"),
                FeeClause(to=community, fixed=1, basis_points=1000, paid_by="payer"),
                FeeClause(to=community, fixed=1, basis_points=9_000),
            )
        )
    )
    expiry = draw(
        maybe(
            st.builds(
                ExpiryClause,
                after_days=st.sampled_from((1, 4, 30)),
                lot=st.sampled_from(("day", "week", "month")),
                carries=st.booleans(),
            )
        )
    )
    mutual = kind == "mutual_credit"
    return Charter(
        names={"en": "Currency"},
        kind=kind,  # type: ignore[arg-type]
        minor_units=100,
        limits=draw(limit_rows()),
        fee=fee,
        issuance=IssuanceClause(
            allowed=draw(st.sampled_from((True, True, True, False))),
            case_reference_required=draw(st.sampled_from((False, False, True))),
        ),
        redemption=RedemptionClause(
            allowed=draw(st.sampled_from((True, True, True, False))),
            case_reference_required=draw(st.sampled_from((False, False, True))),
            kinds=draw(st.sampled_from((["organisation"], ["member", "organisation"]))),
            minimum=draw(st.sampled_from((None, None, 7))),
            penalties=[] if mutual else penalties,
            penalty_to=community if penalties and not mutual else None,
            lot=draw(st.sampled_from(("day", "week", "month"))),
        ),
        expiry=None if mutual else expiry,
        purposes=[] if mutual else draw(purposes(today_us)),
    )


def _day(today_us: int, days: int) -> str:
    return (day_of(today_us) + timedelta(days=days)).isoformat()
