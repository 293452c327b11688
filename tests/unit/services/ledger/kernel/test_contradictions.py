"""Charters that say what cannot hold together: each is refused with the clause named."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.buckets import Bucket
from services.ledger.kernel.contradictions import bucket_bound, contradictions
from services.ledger.kernel.rules import Rules
from shared.contracts import ids
from shared.contracts.charters import (
    Charter,
    ExpiryClause,
    FeeClause,
    IssuanceClause,
    LimitClause,
    Penalty,
    PurposeClause,
    RedemptionClause,
    read,
)
from tests.support.charters import charter, rows

FUND = ids.new_account_id(0)


def purpose(code: str = "food", **more: Any) -> PurposeClause:
    fields: dict[str, Any] = {"names": {"en": code}, "categories": ["grocer"], **more}
    return PurposeClause(code=code, **fields)


def limited(**more: Any) -> dict[str, Any]:
    return {"limits": [LimitClause(kind="member", **more), LimitClause(kind="organisation")]}


def redeeming(*penalties: tuple[int, int], **more: Any) -> dict[str, Any]:
    listed = [Penalty(under_days=days, basis_points=points) for days, points in penalties]
    fields = {"penalties": listed, "penalty_to": FUND if listed else None, **more}
    return {"redemption": RedemptionClause(**fields)}


def found(given: Charter, *earlier: Charter) -> list[str]:
    return [each.clause for each in contradictions(given, "backed", 100, earlier, "2026-11-23")]


FINE: Mapping[str, dict[str, Any]] = {
    "nothing special": {},
    "levels": {"limits": [*rows(), LimitClause(kind="member", level=2, maximum_balance=5)]},
    "a higher level with less": {
        "limits": [*rows(credit_limit=100), LimitClause(kind="member", level=3, credit_limit=50)]
    },
    "limits in a row": limited(
        **{"per_transfer": 5, "per_day": 5, "per_month": 5, "soft_per_day": 5, "soft_per_month": 5}
    ),
    "a soft limit of credit": limited(credit_limit=10, soft_credit_limit=10),
    "penalties": redeeming((45, 500), (90, 100)),
    "penalties in another order": redeeming((90, 100), (45, 500)),
    "redemption suspended, its clauses kept": redeeming((45, 500), allowed=False, minimum=5),
    "a fee": {"fee": FeeClause(to=FUND, basis_points=1)},
    "all of a payment, by the payer": {"fee": FeeClause(to=FUND, basis_points=10_000, paid_by="payer")},
    "expiry": {"expiry": ExpiryClause(after_days=15, notice_days=14)},
    "a purpose of one day": {"purposes": [purpose(since="2026-12-01", until="2026-12-01")]},
    "words in many languages": {
        "names": {"en": "Puma", "es": "Puma"},
        "symbols": {"en": "P"},
        "description": {"en": "x", "ar": "y"},
    },
}

WRONG: Mapping[str, tuple[str, dict[str, Any]]] = {
    "another kind": ("/kind", {"kind": "time"}),
    "another scale": ("/minor_units", {"minor_units": 60}),
    "no English name": ("/names", {"names": {"es": "Puma"}}),
    "no English symbol": ("/symbols", {"symbols": {"es": "P"}}),
    "no English description": ("/description", {"description": {"es": "x"}}),
    "no English name of a purpose": ("/purposes/0/names", {"purposes": [purpose(names={"fr": "x"})]}),
    "no row of organisations": ("/limits", {"limits": [LimitClause(kind="member")]}),
    "no row of level 0": (
        "/limits",
        {"limits": [LimitClause(kind="member", level=1), LimitClause(kind="organisation")]},
    ),
    "two rows for the same": ("/limits/2", {"limits": [*rows(), LimitClause(kind="member")]}),
    "nothing to hold": ("/limits/0/maximum_balance", limited(maximum_balance=0)),
    "more at a time than a day": ("/limits/0/per_transfer", limited(per_transfer=6, per_day=5)),
    "more at a time than a month": ("/limits/0/per_transfer", limited(per_transfer=6, per_month=5)),
    "more a day than a month": ("/limits/0/per_day", limited(per_day=6, per_month=5)),
    "soft above hard a day": ("/limits/0/soft_per_day", limited(soft_per_day=6, per_day=5)),
    "soft above hard a month": ("/limits/0/soft_per_month", limited(soft_per_month=6, per_month=5)),
    "soft a day above soft a month": ("/limits/0/soft_per_day", limited(soft_per_day=6, soft_per_month=5)),
    "soft above hard credit": (
        "/limits/0/soft_credit_limit",
        limited(credit_limit=5, soft_credit_limit=6),
    ),
    "a kind that redeems, twice": ("/redemption/kinds", redeeming(kinds=["member", "member"])),
    "a minimum above what can be held": (
        "/redemption/minimum",
        {**redeeming(minimum=101), "limits": rows(maximum_balance=100)},
    ),
    "a minimum above what can be spent": (
        "/redemption/minimum",
        {**redeeming(minimum=101), "limits": rows(per_day=100)},
    ),
    "a minimum above what those who redeem can spend": (
        "/redemption/minimum",
        {
            **redeeming(minimum=101, kinds=["member"]),
            "limits": [LimitClause(kind="member", per_transfer=100), LimitClause(kind="organisation")],
        },
    ),
    "penalties for nobody": ("/redemption/penalty_to", redeeming((45, 500), penalty_to=None)),
    "somebody without penalties": ("/redemption/penalty_to", redeeming(penalty_to=FUND)),
    "two penalties of the same time": (
        "/redemption/penalties/1/under_days",
        redeeming((45, 500), (45, 100)),
    ),
    "longer costs the same": ("/redemption/penalties/0/basis_points", redeeming((90, 500), (45, 500))),
    "longer costs more": ("/redemption/penalties/1/basis_points", redeeming((45, 500), (90, 501))),
    "lots of a month for half a month": ("/redemption/lot", redeeming((15, 500), lot="month")),
    "a fee of nothing": ("/fee", {"fee": FeeClause(to=FUND)}),
    "a fee that leaves nothing": ("/fee/basis_points", {"fee": FeeClause(to=FUND, basis_points=10_000)}),
    "a fixed fee that leaves nothing": (
        "/fee/fixed",
        {"fee": FeeClause(to=FUND, fixed=100), "limits": rows(per_transfer=100)},
    ),
    "notice before issuance": ("/expiry/notice_days", {"expiry": ExpiryClause(after_days=14)}),
    "a purpose twice": ("/purposes/1/code", {"purposes": [purpose(), purpose()]}),
    "a purpose without criterion": ("/purposes/0", {"purposes": [purpose(categories=[])]}),
    "a criterion twice": ("/purposes/0/categories", {"purposes": [purpose(categories=["a", "a"])]}),
    "since after until": (
        "/purposes/0/since",
        {"purposes": [purpose(since="2026-12-02", until="2026-12-01")]},
    ),
    "a day that does not exist": ("/purposes/0/until", {"purposes": [purpose(until="2027-02-29")]}),
    "a month that does not exist": ("/purposes/0/since", {"purposes": [purpose(since="2027-13-01")]}),
    "over before it holds": ("/purposes/0/until", {"purposes": [purpose(until="2026-11-22")]}),
    "a year in days": ("/expiry", {"expiry": ExpiryClause(after_days=366)}),
    "months of days": ("/redemption/lot", redeeming((100, 500))),
    "purposes and weeks": (
        "/expiry",
        {
            "expiry": ExpiryClause(after_days=365, lot="week"),
            "purposes": [purpose(), purpose("toys")],
        },
    ),
}

MUTUAL: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a case of issuance": (
        "/issuance/case_reference_required",
        {"issuance": IssuanceClause(case_reference_required=True)},
    ),
    "a case of redemption": (
        "/redemption/case_reference_required",
        redeeming(case_reference_required=True),
    ),
    "a minimum": ("/redemption/minimum", redeeming(minimum=5)),
    "expiry": ("/expiry", {"expiry": ExpiryClause(after_days=50)}),
    "a purpose": ("/purposes", {"purposes": [purpose()]}),
}


@pytest.mark.parametrize("name", FINE)
def test_what_can_hold_together_is_taken(name: str) -> None:
    assert found(charter(**FINE[name])) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_is_named_by_its_clause(name: str) -> None:
    clause, fields = WRONG[name]
    assert found(charter(**fields)) == [clause]


@pytest.mark.parametrize("name", MUTUAL)
def test_mutual_credit_has_no_units_to_issue_or_redeem(name: str) -> None:
    clause, fields = MUTUAL[name]
    mutual = charter(kind="mutual_credit", **fields)
    assert [each.clause for each in contradictions(mutual, "mutual_credit", 100, [], "2026-11-23")] == [
        clause
    ]


def test_mutual_credit_has_no_penalties() -> None:
    mutual = charter(kind="mutual_credit", **redeeming((45, 500)))
    assert [each.clause for each in contradictions(mutual, "mutual_credit", 100, [], "2026-11-23")] == [
        "/redemption/penalties",
        "/redemption/penalty_to",
    ]


def test_all_contradictions_are_found_at_once() -> None:
    wrong = charter(kind="time", names={"fr": "x"}, fee=FeeClause(to=FUND))
    assert found(wrong) == ["/kind", "/names", "/fee"]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (None, "2026-12-31", True),
        ("2026-12-31", "2026-12-30", True),
        ("2026-12-31", "2026-12-31", False),
        ("2026-12-31", "2027-01-31", False),
        ("2026-12-31", None, False),
        ("2026-01-31", "2026-01-31", False),
    ],
)
def test_units_stay_spendable_as_long_as_was_said(
    before: str | None, after: str | None, refused: bool
) -> None:
    previous, given = charter(purposes=[purpose(until=before)]), charter(purposes=[purpose(until=after)])
    assert found(given, previous) == (["/purposes/0/until"] if refused else [])


def test_a_purpose_may_end_with_a_version() -> None:
    assert found(charter(), charter(purposes=[purpose()])) == []


def test_units_that_became_free_stay_so() -> None:
    first, second = charter(purposes=[purpose()]), charter()
    assert found(charter(purposes=[purpose()]), first, second) == ["/purposes/0/code"]
    assert found(charter(purposes=[purpose("care")]), first, second) == []


@pytest.mark.parametrize(
    ("before", "after", "clauses"),
    [
        ({"since": None}, {"since": "2026-11-24"}, ["since"]),
        ({"since": None}, {"since": "2026-11-23"}, []),
        ({"since": "2026-11-30"}, {"since": "2026-11-30"}, []),
        ({"since": "2026-11-30"}, {"since": "2026-12-01"}, ["since"]),
        ({"since": "2026-11-30"}, {"since": None}, []),
        ({"categories": ["a", "b"]}, {"categories": ["b"]}, ["categories"]),
        ({"categories": ["a"]}, {"categories": ["b", "a"]}, []),
        ({"places": []}, {"places": ["x"]}, ["places"]),
        ({"places": ["x"]}, {"places": []}, []),
        ({"goods": ["a"], "groups": ["b"]}, {"goods": ["c"], "groups": ["d"]}, ["groups", "goods"]),
    ],
)
def test_units_stay_spendable_where_and_when_was_said(
    before: dict[str, Any], after: dict[str, Any], clauses: list[str]
) -> None:
    previous, given = charter(purposes=[purpose(**before)]), charter(purposes=[purpose(**after)])
    assert found(given, previous) == [f"/purposes/0/{clause}" for clause in clauses]


lots = st.sampled_from(("day", "week", "month"))
charters = st.builds(
    lambda expiry, days, lot, purposes: charter(
        **redeeming(*([(days, 500)] if days else []), lot=lot), expiry=expiry, purposes=purposes
    ),
    st.none()
    | st.builds(
        ExpiryClause, after_days=st.integers(1, 80), lot=lots, notice_days=st.just(0), carries=st.booleans()
    ),
    st.none() | st.integers(1, 70),
    lots,
    st.lists(
        st.builds(
            lambda until, carries: PurposeClause(
                code=f"p{until}{carries}".lower(),
                names={"en": "x"},
                categories=["a"],
                until=until and (date(2026, 1, 1) + timedelta(days=until)).isoformat(),
                carries=carries,
            ),
            st.none() | st.integers(0, 200),
            st.booleans(),
        ),
        max_size=3,
        unique_by=lambda each: each.code,
    ),
)


@given(charters, st.integers(0, 400))
def test_no_account_holds_more_kinds_of_units_than_the_bound(given: Charter, first: int) -> None:
    """Everything that could have come to an account by some day: each kind of unit issued each day before,
    to it or to others who paid it on any day since.
    """
    rules, today = Rules(given, 1), date(2026, 1, 1) + timedelta(days=200 + first % 50)
    days = [(today - timedelta(days=back)).isoformat() for back in range(160)]
    last = days[0]
    carried = given.expiry is not None and given.expiry.carries
    lots_since: set[str] = set()
    held: set[Bucket] = set()
    for day in days:
        lot = _received(rules, day, last)
        lots_since.add(lot)
        for purpose in (None, *given.purposes):
            expires_on = rules.expires_on(day, purpose)
            if not expires_on or expires_on >= last:
                code = "" if purpose is None else purpose.code
                stays = purpose is not None and purpose.carries
                held.add(Bucket(expires_on, code, lot))
                on = (expires_on if stays or carried else "", code if stays else "")
                held |= {Bucket(*on, later) for later in lots_since}
    held |= {Bucket(received_on=lot) for lot in lots_since}
    assert len(held) <= bucket_bound(given)


def _received(rules: Rules, day: str, today: str) -> str:
    """The lot of units received on a day, as it is told apart later."""
    received_on = rules.received_on(day)
    return received_on if rules.penalty_points(received_on, today) else ""


@pytest.mark.parametrize(
    ("bound", "fields"),
    [
        (29, {"expiry": ExpiryClause(after_days=180, lot="month"), "purposes": [purpose(c) for c in "abc"]}),
        (46, redeeming((45, 500))),
        (
            95,
            {
                **redeeming((90, 500), lot="week"),
                "expiry": ExpiryClause(after_days=365, lot="month"),
                "purposes": [purpose("a"), purpose("b")],
            },
        ),
        (367, {"expiry": ExpiryClause(after_days=365)}),
    ],
)
def test_the_guides_examples_have_the_bounds_that_it_says(bound: int, fields: dict[str, Any]) -> None:
    assert bucket_bound(charter(**fields)) == bound


def test_the_guides_charter_can_be_adopted() -> None:
    guide = (Path(__file__).parents[5] / "docs" / "charters.md").read_text(encoding="utf-8")
    example = guide.partition("```json\n")[2].partition("```")[0]
    assert found(read(json.loads(example))) == []
