"""Periods: where they begin and end, and which of them an answer has."""

import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.indicators import periods
from shared.contracts.dashboard import MAX_PERIODS, PERIODS
from shared.contracts.errors import Refusal

NOW = int(datetime(2026, 5, 14, 9, 30, tzinfo=UTC).timestamp()) * 1_000_000


def chosen(kind: str, since: str, start: str | None = None, end: str | None = None) -> list[tuple[str, str]]:
    bounds = [date.fromisoformat(text) if text else None for text in (start, end)]
    found = periods.choose(kind, date.fromisoformat(since), NOW, *bounds)
    return [(str(periods.day(period.first)), str(periods.day(period.past))) for period in found]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("day", [("2026-03-31", "2026-04-01"), ("2026-04-01", "2026-04-02")]),
        ("week", [("2026-03-30", "2026-04-06")]),
        ("month", [("2026-03-01", "2026-04-01"), ("2026-04-01", "2026-05-01")]),
        ("quarter", [("2026-01-01", "2026-04-01"), ("2026-04-01", "2026-07-01")]),
        ("year", [("2026-01-01", "2027-01-01")]),
        ("all", [("2020-02-29", "2026-05-15")]),
    ],
)
def test_from_and_to_snap_outwards(kind: str, expected: list[tuple[str, str]]) -> None:
    assert chosen(kind, "2020-02-29", "2026-03-31", "2026-04-02") == expected


def test_iso_weeks_reach_over_the_turn_of_the_year() -> None:
    assert chosen("week", "2025-01-01", "2026-01-01", "2026-01-02") == [("2025-12-29", "2026-01-05")]


def test_without_bounds_all_that_is_known_up_to_now() -> None:
    assert chosen("month", "2026-03-20") == [
        ("2026-03-01", "2026-04-01"),
        ("2026-04-01", "2026-05-01"),
        ("2026-05-01", "2026-06-01"),
    ]


def test_without_bounds_at_most_the_last_ones() -> None:
    found = chosen("day", "2020-01-01")
    assert (len(found), found[-1]) == (MAX_PERIODS, ("2026-05-14", "2026-05-15"))


@pytest.mark.parametrize(
    ("start", "end", "pointer"),
    [
        ("2026-04-01", "2026-04-01", "/from"),
        ("2024-01-01", "2026-01-01", "/from"),
        ("1969-12-31", "2026-01-01", "/from"),
        ("2026-01-01", "9999-12-31", "/to"),
    ],
)
def test_refused_bounds(start: str, end: str, pointer: str) -> None:
    with pytest.raises(Refusal) as refused:
        chosen("day", "2020-01-01", start, end)
    assert refused.value.slug == "invalid-request"
    assert refused.value.faults[0].pointer == pointer


@given(
    st.sampled_from([kind for kind in PERIODS if kind != "all"]),
    st.dates(date(1970, 1, 1), date(2999, 12, 1)),
    st.integers(1, 300),
)
def test_periods_follow_each_other_and_cover_what_is_asked(kind: str, start: date, days: int) -> None:
    end = date.fromordinal(min(start.toordinal() + days, periods.LATEST.toordinal()))
    found = periods.choose(kind, start, NOW, start, end)
    assert found[0].first <= periods.number(start) < found[0].past
    assert found[-1].first < periods.number(end) <= found[-1].past
    assert all(before.past == after.first for before, after in itertools.pairwise(found))
