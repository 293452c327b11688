"""What the public does not get to see."""

import pytest

from services.dashboard.indicators.formulas import FEW_PEOPLE, ONE_PREVAILS
from services.dashboard.indicators.suppression import hidden


@pytest.mark.parametrize(
    ("people", "sides", "reason"),
    [
        (0, [], FEW_PEOPLE),
        (4, [[1, 1, 1, 1]], FEW_PEOPLE),
        (5, [[1, 1, 1, 1, 1]], None),
        # Sixty of a hundred are allowed, more are not; on either side.
        (5, [[60, 10, 10, 10, 10]], None),
        (5, [[61, 10, 10, 10, 9]], ONE_PREVAILS),
        (5, [[20] * 5, [61, 39]], ONE_PREVAILS),
        (5, [[], []], None),
    ],
)
def test_few_or_one_that_prevails(people: int, sides: list[list[int]], reason: str | None) -> None:
    assert hidden(people, *sides) == reason
