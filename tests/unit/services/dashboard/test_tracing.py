"""Units followed first in, first out, on movements that fit on a page."""

from datetime import date
from fractions import Fraction

import pytest

from services.dashboard.circulation.tracing import NOBODY, Holder, Spent, Tracing
from services.dashboard.indicators import formulas
from services.dashboard.indicators.formulas import Undefined
from services.dashboard.indicators.periods import number
from services.dashboard.projection.areas import day_of
from tests.unit.services.dashboard.journal import DAY, at

ISSUER, REDEEMER, ANA, BEA, SHOP, POT = range(1, 7)
HOLDERS = {
    ISSUER: Holder("issuance", 1),
    REDEEMER: Holder("redemption", 1),
    ANA: Holder("member", 1),
    BEA: Holder("member", 2),
    SHOP: Holder("organisation", 1),
    POT: Holder("pot", 1),
}
WEEK = 7 * DAY
MONDAY = day_of(at(0))


def traced(*movements: tuple[int, int, int, int]) -> Tracing:
    tracing = Tracing(HOLDERS)
    for movement in movements:
        tracing.move(*movement)
    return tracing


def all_spent(tracing: Tracing) -> Spent:
    parts = tracing.spent.values()
    return Spent(sum(p.volume for p in parts), sum(p.traced for p in parts), sum(p.held for p in parts))


def test_the_oldest_units_go_first_and_weigh_by_their_amount() -> None:
    # 100 received on day 0, 50 on day 4. On day 6 Ana spends 120: 100 held for 6 days, 20 for 2.
    tracing = traced(
        (ISSUER, ANA, 100, at(0)),
        (ISSUER, ANA, 50, at(4)),
        (ANA, SHOP, 120, at(6)),
        (SHOP, BEA, 70, at(6, 18)),
    )
    first, second = 100 * 6 * DAY + 20 * 2 * DAY, 70 * DAY // 4
    assert tracing.spent == {(1, MONDAY): Spent(190, 190, first + second)}
    # (600 + 40 + 17.5) / 190 days.
    assert formulas.holding_weeks(first + second, 190) == Fraction(1315, 2) / 190 / 7


def test_what_is_left_over_keeps_its_time() -> None:
    tracing = traced(
        (ISSUER, ANA, 100, at(0)), (ANA, SHOP, 40, at(1)), (ISSUER, ANA, 10, at(2)), (ANA, SHOP, 70, at(3))
    )
    # 40 held a day; then 60 of day 0 held three days and 10 of day 2 held one.
    assert all_spent(tracing) == Spent(110, 110, (40 + 60 * 3 + 10) * DAY)


def test_issuing_redeeming_and_pots_are_no_spending_but_units_pass_through_them() -> None:
    tracing = traced(
        (ISSUER, ANA, 100, at(0)),
        (ANA, POT, 60, at(1)),
        (POT, BEA, 60, at(2)),
        (ANA, REDEEMER, 40, at(3)),
        (BEA, ANA, 60, at(5)),
    )
    assert tracing.spent == {(2, MONDAY): Spent(60, 60, 60 * 3 * DAY)}


def test_a_record_that_comes_late_counts_no_time_below_zero() -> None:
    # In the journal's order Ana receives first, but what she spends occurred a day before.
    assert all_spent(traced((ISSUER, ANA, 50, at(2)), (ANA, SHOP, 50, at(1)))) == Spent(50, 50, 0)


def test_credit_is_not_held_and_is_paid_back_first() -> None:
    # Ana spends 30 on credit, receives 50 (30 pay it back), and spends the 20 after two days.
    tracing = traced((ANA, BEA, 30, at(0)), (BEA, ANA, 50, at(1)), (ANA, BEA, 20, at(3)))
    # Bea held 30 for one day and spent 20 on credit.
    assert all_spent(tracing) == Spent(100, 30 + 20, 30 * DAY + 20 * 2 * DAY)


def test_a_source_that_no_record_names() -> None:
    tracing = traced((NOBODY, ANA, 10, at(0)), (ANA, NOBODY, 4, at(1)), (ANA, BEA, 6, at(2)))
    assert all_spent(tracing) == Spent(6, 6, 6 * 2 * DAY)
    assert (tracing.issued, tracing.redeemed) == ({}, {})


def test_units_are_told_apart_by_when_they_were_issued() -> None:
    tracing = traced(
        (ISSUER, ANA, 100, at(0)),
        (ISSUER, BEA, 40, at(7)),
        (ANA, SHOP, 80, at(8)),
        (BEA, SHOP, 40, at(8)),
        (SHOP, REDEEMER, 90, at(9)),
        (ANA, ISSUER, 5, at(15)),
    )
    first, second, third = MONDAY, MONDAY + 7, MONDAY + 14
    assert tracing.issued == {(first, ANA): 100, (second, BEA): 40}
    assert tracing.redeemed == {(first, second): 80, (second, second): 10, (first, third): 5}
    assert formulas.retention(140, 90) == Fraction(5, 14)


def test_weeks_that_lie_in_two_months_are_two_atoms() -> None:
    # The week of Monday, 26 January 2026.
    tracing = traced((ISSUER, ANA, 1, at(25)), (ISSUER, ANA, 2, at(27)))
    months = [number(day) for day in (_date(26, 1), _date(1, 2))]
    assert list(tracing.issued) == [(months[0], ANA), (months[1], ANA)]


def _date(day: int, month: int) -> date:
    return date(2026, month, day)


def test_the_published_figures_of_sarafu_agree_with_each_other() -> None:
    # arXiv 2209.01512, Table 1, all areas: what is printed, each figure rounded.
    volume, effective, weeks, holding = 302_468_065, 5_686_646, Fraction(72351, 1000), Fraction(13603, 10_000)
    assert volume / (effective * weeks) == pytest.approx(1 / float(holding), rel=1e-4)
    assert formulas.effective_balance(volume, holding, weeks) == pytest.approx(effective, rel=1e-4)
    assert float(formulas.transfer_velocity(holding)) == pytest.approx(0.7351, abs=1e-4)
    # The same in microseconds: every unit that was spent held 1.3603 weeks.
    assert formulas.holding_weeks(int(volume * holding * WEEK), volume) == pytest.approx(holding)
    assert float(formulas.velocity(volume, Fraction(13_547_008), weeks)) == pytest.approx(0.3086, abs=1e-4)


def test_undefined_figures_say_why() -> None:
    for formula, arguments, reason in (
        (formulas.holding_weeks, (0, 0), formulas.NOTHING_TRACED),
        (formulas.transfer_velocity, (Fraction(0),), formulas.NOT_HELD),
        (formulas.retention, (0, 0), formulas.NOTHING_ISSUED),
        (formulas.user_retention, ([], [1]), formulas.NOBODY_BEFORE),
    ):
        with pytest.raises(Undefined) as undefined:
            formula(*arguments)
        assert undefined.value.reason == reason
    assert formulas.effective_balance(1_000, Fraction(0), Fraction(1)) == 0
