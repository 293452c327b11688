"""The trades of a neighbourhood: how many shops each has, how often people go there, what they spend."""

import math
from random import Random
from typing import NamedTuple


class Trade(NamedTuple):
    """shops and visits are shares of all; typical_cents is the median purchase, spread its log deviation."""

    name: str
    shops: float
    visits: float
    typical_cents: int
    spread: float
    busy_months: dict[int, float]


# Our own estimates, for a working-class neighbourhood where aid goes to basic needs first.
TRADES = (
    Trade("food", 0.24, 0.38, 750, 0.70, {12: 1.2}),
    Trade("bakery", 0.14, 0.20, 180, 0.45, {1: 1.2}),
    Trade("greengrocer", 0.12, 0.14, 420, 0.50, {}),
    Trade("cafe", 0.18, 0.12, 240, 0.55, {7: 1.2, 8: 0.8}),
    Trade("pharmacy", 0.08, 0.06, 600, 0.65, {1: 1.3, 2: 1.3, 8: 0.8}),
    Trade("clothing", 0.10, 0.04, 1600, 0.60, {1: 1.8, 7: 1.6}),
    Trade("hardware", 0.07, 0.03, 750, 0.75, {4: 1.3, 5: 1.3}),
    Trade("school supplies", 0.07, 0.03, 900, 0.60, {1: 1.4, 7: 0.3, 8: 0.8, 9: 5.0}),
)
FOOD = 0
SMALLEST_CENTS = 50
BASKET_SLOTS = 200


def deal(shops: int) -> list[int]:
    """The trade of each of so many shops: the one that is furthest below its share comes next, food first."""
    dealt = [0] * len(TRADES)
    order = []
    for place in range(1, shops + 1):
        trade = max(range(len(TRADES)), key=lambda t: TRADES[t].shops * place - dealt[t])
        dealt[trade] += 1
        order.append(trade)
    return order


def basket(month: int) -> list[int]:
    """Trades in proportion to the visits they get in a month (1 to 12): pick one evenly to pick a trade."""
    weights = [trade.visits * trade.busy_months.get(month, 1.0) for trade in TRADES]
    whole = sum(weights)
    slots = [round(BASKET_SLOTS * weight / whole) for weight in weights]
    return [trade for trade, number in enumerate(slots) for _ in range(number)]


def mean_purchase_cents() -> float:
    """The mean purchase over an average month, in cents, before purses limit it."""
    return sum(trade.visits * trade.typical_cents * math.exp(trade.spread**2 / 2) for trade in TRADES)


def price(trade: int, rng: Random) -> int:
    """What one purchase in a trade costs, in cents: lognormal, and every fourth a round sum."""
    _, _, _, typical, spread, _ = TRADES[trade]
    cents = int(typical * math.exp(spread * rng.gauss(0.0, 1.0)))
    if rng.random() < 0.25:
        cents = round(cents / 50) * 50
    return max(cents, SMALLEST_CENTS)
