"""What random histories are made of: charters, amounts, leaps of the clock."""

from datetime import timedelta
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import strategies as st

from shared.contracts import clock
from shared.contracts.charters import (
    Charter,
    ExpiryClause,
    FeeClause,
    IssuanceClause,
    LimitClause,
    Lot,
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
PURPOSES = ("meals", "books", "holiday")

LEAPS = (
    *(1_000_000, 60_000_000, 61_000_000, HOUR_US, HOUR_US + 1, 9 * HOUR_US, DAY_US, DAY_US + HOUR_US),
    *(3 * DAY_US, 6 * DAY_US, 15 * DAY_US, 31 * DAY_US, -1_000_000, -50_000_000, -61_000_000),
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


def _limit_rows(kind: Any, level: int) -> list[LimitClause]:
    """Some limits, of which none contradicts another."""
    chance = Random(f"{kind} {level}")
    rows = []
    for _ in range(24):
        credit = chance.choice((0, 0, 30, 80))
        rows.append(
            LimitClause(
                kind=kind,
                level=level,
                credit_limit=credit,
                maximum_balance=chance.choice((MAX_AMOUNT, MAX_AMOUNT, 160, 1000)),
                per_transfer=chance.choice((None, None, None, 60)),
                per_day=chance.choice((None, None, None, 90)),
                per_month=chance.choice((None, None, None, 140, 200)),
                soft_credit_limit=chance.choice((None, 0, min(20, credit))),
                soft_per_day=chance.choice((None, None, 40)),
                soft_per_month=chance.choice((None, None, 70)),
            )
        )
    return rows


limits = st.tuples(
    *(
        st.sampled_from(_limit_rows(kind, level))
        for kind, level in (("member", 0), ("organisation", 0), ("member", 2))
    )
).map(list)


Criterion = tuple[str, str]
"""What a purpose looks at, and the tag that it looks for."""
_WORDS = {"categories": TAGS, "places": PLACES, "groups": GROUPS, "goods": TAGS}
LOOKING_AT: list[Criterion] = [(name, tag) for name, tags in _WORDS.items() for tag in tags] + [
    ("categories", tag) for tag in TAGS
]
criteria = st.fixed_dictionaries({code: st.sampled_from(LOOKING_AT) for code in PURPOSES})
"""What each purpose of a history looks at, mostly: units of one that comes to look at something else would be
locked up.
"""
DATES = [(since, until) for since in (None, None, -3, 2) for until in (None, 2, 9, 40)]


@st.composite
def purposes(draw: st.DrawFn, today_us: int, usual: dict[str, Criterion]) -> list[PurposeClause]:
    """Up to two purposes, each with one thing that is looked at."""
    found = []
    for code in draw(st.sampled_from([(), *combinations(PURPOSES, 1), *combinations(PURPOSES, 2)])):
        name, tag = draw(st.sampled_from((usual[code],) * 9 + (LOOKING_AT[0], LOOKING_AT[-1])))
        tags = draw(st.sampled_from(([tag], [tag], [tag], list(_WORDS[name]))))
        since, until = draw(st.sampled_from(DATES))
        fields: dict[str, Any] = {name: tags}
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


PENALTIES: tuple[tuple[list[Penalty], Lot], ...] = (
    ([], "day"),
    ([Penalty(under_days=5, basis_points=1000)], "day"),
    ([Penalty(under_days=4, basis_points=10_000)], "day"),
    ([Penalty(under_days=7, basis_points=5000), Penalty(under_days=20, basis_points=333)], "week"),
    ([Penalty(under_days=5, basis_points=333)], "day"),
    ([Penalty(under_days=40, basis_points=100)], "month"),
)
EXPIRIES = ((1, "day"), (4, "week"), (30, "month"))


@st.composite
def charters(
    draw: st.DrawFn,
    code: str,
    kind: Any,
    today_us: int,
    community: str | None,
    usual: dict[str, Criterion],
) -> Charter:
    """Charters that do not contradict themselves. `community` is the account that takes what is kept back; a
    first version can name none.
    """
    if kind == "mutual_credit":
        return Charter(
            names={"en": code},
            kind=kind,
            minor_units=100,
            limits=draw(limits),
            fee=draw(fees(community)),
        )
    redeemed = draw(st.sampled_from((True,) * 8 + (False,)))
    issued = draw(st.sampled_from((True,) * 8 + (False,)))
    penalties, lot = draw(st.sampled_from(PENALTIES)) if redeemed and community else ([], "day")
    expiry = draw(maybe(st.sampled_from(EXPIRIES)))
    return Charter(
        names={"en": code},
        kind=kind,
        minor_units=100,
        limits=draw(limits),
        fee=draw(fees(community)),
        issuance=IssuanceClause(
            allowed=issued, case_reference_required=issued and draw(st.sampled_from((False, False, True)))
        ),
        redemption=RedemptionClause(
            allowed=redeemed,
            case_reference_required=redeemed and draw(st.sampled_from((False, False, True))),
            kinds=draw(st.sampled_from((["member", "organisation"],) * 3 + (["organisation"],))),
            minimum=draw(st.sampled_from((None, None, 7))) if redeemed else None,
            penalties=penalties,
            penalty_to=community if penalties else None,
            lot=lot,
        ),
        expiry=expiry
        and ExpiryClause(after_days=expiry[0], lot=expiry[1], notice_days=0, carries=draw(st.booleans())),
        purposes=draw(purposes(today_us, usual)) if issued else [],
    )


def fees(community: str | None) -> st.SearchStrategy[FeeClause | None]:
    if community is None:
        return st.none()
    return st.sampled_from(
        (
            None,
            FeeClause(to=community, fixed=2),
            FeeClause(to=community, basis_points=500, paid_by="payer"),
            FeeClause(to=community, fixed=1, basis_points=1000, paid_by="payer"),
            FeeClause(to=community, fixed=1, basis_points=9_000),
        )
    )


def _day(today_us: int, days: int) -> str:
    return (day_of(today_us) + timedelta(days=days)).isoformat()
