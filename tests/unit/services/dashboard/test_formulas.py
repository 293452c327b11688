"""The formulas on small networks whose figures are worked out by hand, and on published ones."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.indicators import formulas
from services.dashboard.indicators.formulas import Undefined


def test_supply_is_what_was_issued_and_not_redeemed() -> None:
    # 1,000 issued, 300 redeemed; 700 lie on accounts.
    assert formulas.supply(1000, 300, 700) == 700


def test_supply_is_undefined_where_the_books_differ() -> None:
    with pytest.raises(Undefined, match="differs"):
        formulas.supply(1000, 300, 699)


@pytest.mark.parametrize(
    ("volume", "transfers", "mean"),
    [
        (30, 3, 10),
        (31, 3, 10),  # 10.33
        (32, 3, 11),  # 10.67
        (5, 2, 2),  # 2.5: a half goes to the even one
        (7, 2, 4),  # 3.5
    ],
)
def test_mean_transfer(volume: int, transfers: int, mean: int) -> None:
    assert formulas.mean_amount(volume, transfers) == mean


@pytest.mark.parametrize(
    ("amounts", "median"),
    [
        ([(7, 1)], 7),
        ([(1, 1), (2, 1), (100, 1)], 2),  # 1 2 100
        ([(1, 3), (9, 2)], 1),  # 1 1 1 9 9
        ([(1, 2), (9, 2)], 5),  # 1 1 9 9: between 1 and 9
        ([(1, 1), (4, 1)], 2),  # 2.5: a half goes to the even one
        ([(3, 1), (4, 1)], 4),  # 3.5
    ],
)
def test_median_transfer(amounts: list[tuple[int, int]], median: int) -> None:
    assert formulas.median_amount(amounts) == median


def test_sizes_are_undefined_without_transfers() -> None:
    with pytest.raises(Undefined, match="no transfers"):
        formulas.mean_amount(0, 0)
    with pytest.raises(Undefined, match="no transfers"):
        formulas.median_amount([])


def test_velocity() -> None:
    # In 2 weeks 600 are paid; 200 lie on accounts on average. Each unit changes hands 3 times, 1.5 a week.
    assert formulas.velocity(600, Fraction(200), Fraction(2)) == Fraction(3, 2)


def test_velocity_of_sarafu_as_published() -> None:
    # arXiv 2209.01512, Table 1, all areas: 25 January 2020 to 15 June 2021, 0.3086 a week.
    found = formulas.velocity(302_468_065, Fraction(13_547_008), Fraction("72.351"))
    assert round(found, 4) == Fraction("0.3086")


@pytest.mark.parametrize(("mean", "periods"), [(0, 1), (5, 0), (-5, 1)])
def test_velocity_is_undefined_without_balances(mean: int, periods: int) -> None:
    with pytest.raises(Undefined):
        formulas.velocity(10, Fraction(mean), Fraction(periods))


@pytest.mark.parametrize(
    ("values", "zeros", "expected"),
    [
        ([5, 5, 5], 0, Fraction(0)),
        # 1 and 3: (2*1 - 3) * 1 + (2*2 - 3) * 3 = 2, over 2 * 4.
        ([3, 1], 0, Fraction(1, 4)),
        # 0, 0, 0, 8: (2*4 - 5) * 8 = 24, over 4 * 8: one of four has all.
        ([8], 3, Fraction(3, 4)),
        ([0, 8, 0], 1, Fraction(3, 4)),
        # 1, 2, 3, 4: -3 - 2 + 3 + 12 = 10, over 4 * 10.
        ([4, 2, 1, 3], 0, Fraction(1, 4)),
    ],
)
def test_gini(values: list[int], zeros: int, expected: Fraction) -> None:
    assert formulas.gini(values, zeros) == expected


@pytest.mark.parametrize(
    ("values", "zeros", "reason"),
    [([], 0, "no account"), ([], 4, "All balances are zero"), ([-1, 5], 0, "negative")],
)
def test_gini_is_undefined(values: list[int], zeros: int, reason: str) -> None:
    with pytest.raises(Undefined, match=reason):
        formulas.gini(values, zeros)


@given(st.lists(st.integers(0, 2**53)), st.integers(0, 50))
def test_gini_lies_from_0_up_to_1(values: list[int], zeros: int) -> None:
    if not any(values):
        return
    found = formulas.gini(values, zeros)
    assert 0 <= found < 1
    assert found == formulas.gini([value * 7 for value in values], zeros), "no matter which unit"


def test_ratios_have_six_decimals() -> None:
    assert formulas.ratio(Fraction(2, 3)) == 0.666667
