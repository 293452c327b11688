"""Parameters out of their limits are refused by name."""

from datetime import date, timedelta
from typing import Any

import pytest

from deploy.demo.simulation.scenario import Scenario, seville_demo

GOOD: dict[str, Any] = {"accounts": 10, "days": 1, "seed": 0}


@pytest.mark.parametrize(
    ("field", "value", "limits"),
    [
        ("accounts", 9, "10 to 1,000,000"),
        ("accounts", 1_000_001, "10 to 1,000,000"),
        ("accounts", 20.0, "10 to 1,000,000"),
        ("accounts", True, "10 to 1,000,000"),
        ("days", 0, "1 to 3,660"),
        ("days", 3661, "1 to 3,660"),
        ("seed", -1, "0 to"),
        ("overdraw_share", 0.51, "0.0 to 0.5"),
        ("overdraw_share", -0.01, "0.0 to 0.5"),
        ("overdraw_share", float("nan"), "0.0 to 0.5"),
        ("malformed_share", 1, "0.0 to 0.5"),
        ("transfers_per_account_day", 0, "0.05 to 5.0"),
        ("start", date(1989, 12, 31), "1990-01-01 to 2100-01-01"),
        ("token_name", "", "1 to 100"),
        ("token_name", "two\nlines", "one line"),
    ],
)
def test_refuses_what_is_out_of_limits_naming_it(field: str, value: Any, limits: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Scenario(**GOOD | {field: value})
    assert str(refusal.value).startswith(field)
    assert limits in str(refusal.value)
    assert repr(value) in str(refusal.value)


def test_refuses_more_than_half_of_the_rows_faulty() -> None:
    with pytest.raises(ValueError, match="together be at most"):
        Scenario(**GOOD, overdraw_share=0.3, malformed_share=0.3)


def test_takes_the_limits_themselves() -> None:
    Scenario(accounts=10, days=1, seed=0, overdraw_share=0.5)
    Scenario(accounts=1_000_000, days=3660, seed=2**63 - 1, start=date(2100, 1, 1))


def test_seville_demo_ends_on_the_given_day() -> None:
    demo = seville_demo(date(2025, 6, 30))
    assert demo.start + timedelta(days=demo.days - 1) == date(2025, 6, 30)
    assert (demo.accounts, demo.days) == (300, 120)
    assert "simulated" in demo.token_name
