"""What the public does not get to see: figures behind which few people stand, or mostly one.

The dashboard knows accounts, not people; an account of a person or an organisation counts as one of them.
"""

from collections.abc import Collection
from fractions import Fraction

from services.dashboard.indicators.formulas import FEW_PEOPLE, ONE_PREVAILS
from services.dashboard.indicators.window import Window

FEWEST_PEOPLE = 5
LARGEST_SHARE = Fraction(60, 100)


def hidden(people: int, *sides: Collection[int]) -> str | None:
    """Why a figure is not public, or None where it is.

    Each of `sides` has what single accounts contribute, such as what each paid and what each received.
    """
    if people < FEWEST_PEOPLE:
        return FEW_PEOPLE
    for amounts in sides:
        if amounts and max(amounts) > LARGEST_SHARE * sum(amounts):
            return ONE_PREVAILS
    return None


def hides(code: str, window: Window, index: int) -> str | None:
    """The same for a figure of a period of a window: each counts those that it is made of."""
    if code in ("supply", "gini_balances"):
        holdings = window.holdings[index]
        return hidden(len(holdings), holdings)
    if code == "new_accounts":
        return hidden(window.new[index])
    if code == "active_accounts":
        return hidden(len(window.received[index]))
    if code == "user_retention":
        before = window.active_before if index == 0 else window.received[index - 1]
        return hidden(len(before))
    received = window.received[index]
    return hidden(len(received), window.paid[index].values(), received.values())
