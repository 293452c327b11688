"""The formulas, free of any database: whole numbers and fractions in, whole numbers and fractions out.

Where a figure is not defined they raise Undefined with the reason; nothing is ever reported as zero for want
of a value.
"""

from collections.abc import Collection, Sequence
from fractions import Fraction
from operator import mul

WEEK_US = 7 * 86_400 * 1_000_000
DECIMALS = 6
"""To how many decimals ratios are rounded, half to even."""

NO_TRANSFERS = "There were no transfers between members in the period."
NO_BALANCES = "No account had a balance at any time in the period."
NO_ACCOUNTS = "There was no account yet."
ALL_ZERO = "All balances are zero."
NOTHING_RECEIVED = "No account received anything in the period."
NEGATIVE_BALANCES = "Some balances are negative, and the Gini index is not defined for them."
NEGATIVE_MEAN = "The mean of the balances is negative."
BOOKS_DIFFER = "What was issued less what was redeemed differs from the sum of the balances."
NOT_BEGUN = "The period has not begun yet."
BEFORE_START = "The period ended before anything was recorded."
NO_TERRITORY = "The currency has no account in this territory."
ONE_ACCOUNT = "Only one account took part."
NOTHING_TRACED = "Nothing that was spent in the period had been received before."
NOT_HELD = "Everything was spent at the moment at which it was received."
NOTHING_ISSUED = "Nothing was issued in the period."
WHOLE_CURRENCY = "Issuing and redeeming belong to the whole currency, not to a territory."
NOBODY_BEFORE = "No account was active in the period before."
NO_PERIOD_BEFORE = "There is no period before all time."
NOT_BY_DAY = "This figure is not worked out for single days."
WHEN_CLOSED = "This figure is worked out when the period has closed."
BEING_WORKED_OUT = "This figure is being worked out."
PUBLIC_WHEN_CLOSED = "This figure is public when the period has closed."
FEW_PEOPLE = "Fewer than five people are behind this figure, so it is not public."
ONE_PREVAILS = "One account makes more than 60 percent of this figure, so it is not public."


class Undefined(Exception):
    """A figure has no value; the reason is an English sentence and the key of its translations."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def ratio(value: Fraction) -> float:
    """A ratio as it is shown: rounded to six decimals, half to even."""
    return float(round(value, DECIMALS))


def supply(issued: int, redeemed: int, balances: int) -> int:
    """What is in circulation, in minor units. Raises Undefined where issued less redeemed is not what lies on
    accounts.
    """
    if issued - redeemed != balances:
        raise Undefined(BOOKS_DIFFER)
    return balances


def mean_amount(volume: int, transfers: int) -> int:
    """Mean size of a transfer in whole minor units, half to even. Raises Undefined where there is none."""
    if not transfers:
        raise Undefined(NO_TRANSFERS)
    return round(Fraction(volume, transfers))


def median_amount(amounts: Sequence[tuple[int, int]]) -> int:
    """Median size of a transfer in whole minor units; of two in the middle their mean, half to even.

    `amounts` are (amount, how many transfers of it), ascending. Raises Undefined where there is none.
    """
    transfers = sum(count for _amount, count in amounts)
    if not transfers:
        raise Undefined(NO_TRANSFERS)
    middle = [_at(amounts, (transfers - 1) // 2), _at(amounts, transfers // 2)]
    return round(Fraction(sum(middle), 2))


def _at(amounts: Sequence[tuple[int, int]], index: int) -> int:
    """The amount of the transfer at this place of the ascending order."""
    for amount, count in amounts:
        if index < count:
            return amount
        index -= count
    raise IndexError(index)


def velocity(volume: int, mean_balance: Fraction, periods: Fraction) -> Fraction:
    """Conventional transfer velocity: how often the mean balance changes hands in one period.

    volume / (mean balance x number of periods), after Mattsson, Criscione and Takes (2022), arXiv 2209.01512.
    Raises Undefined where the mean balance is zero or negative.
    """
    if mean_balance < 0:
        raise Undefined(NEGATIVE_MEAN)
    if not mean_balance or not periods:
        raise Undefined(NO_BALANCES)
    return volume / (mean_balance * periods)


def gini(values: Collection[int], zeros: int = 0, *, all_zero: str = ALL_ZERO) -> Fraction:
    """Gini index of values and of that many zeros besides: sum((2i - n - 1) x_i) / (n sum x), ascending.

    0 where all have the same, towards 1 where one has all. Raises Undefined where there are no values, where
    all are zero, or where one is negative.
    """
    ascending = sorted(value for value in values if value)
    everyone, total = zeros + len(values), sum(ascending)
    if not everyone:
        raise Undefined(NO_ACCOUNTS)
    if not ascending:
        raise Undefined(all_zero)
    if ascending[0] < 0:
        raise Undefined(NEGATIVE_BALANCES)
    # Zeros have the first ranks and add nothing.
    ranked = sum(map(mul, range(everyone - len(ascending) + 1, everyone + 1), ascending))
    return Fraction(2 * ranked - (everyone + 1) * total, everyone * total)


def holding_weeks(held_us: int, traced: int) -> Fraction:
    """Mean time between receiving and spending a unit, in weeks, weighted with the amounts.

    `held_us` is the sum of amounts times microseconds, `traced` that of the amounts. After Mattsson,
    Criscione and Takes (2022), arXiv 2209.01512. Raises Undefined where nothing was spent
    that had been received.
    """
    if not traced:
        raise Undefined(NOTHING_TRACED)
    return Fraction(held_us, traced * WEEK_US)


def transfer_velocity(holding: Fraction) -> Fraction:
    """How often a unit that is spent changes hands in a week: the inverse of the holding period."""
    if not holding:
        raise Undefined(NOT_HELD)
    return 1 / holding


def effective_balance(volume: int, holding: Fraction, weeks: Fraction) -> int:
    """The balance that makes the volume if it changes hands at the transfer velocity, in whole minor units.

    volume / (transfer velocity x weeks), half to even; where nothing is held, nothing. Same source.
    """
    return round(volume * holding / weeks)


def retention(issued: int, redeemed: int) -> Fraction:
    """1 - redeemed / issued. Raises Undefined where nothing was issued."""
    if not issued:
        raise Undefined(NOTHING_ISSUED)
    return 1 - Fraction(redeemed, issued)


def user_retention(before: Collection[int], now: Collection[int]) -> Fraction:
    """Active in both periods / active in the first. Raises Undefined where nobody was active in the first."""
    if not before:
        raise Undefined(NOBODY_BEFORE)
    return Fraction(len(set(before).intersection(now)), len(set(before)))
