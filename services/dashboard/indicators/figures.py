"""Each indicator of a currency as a formula over a window: the one table from codes to figures."""

from collections.abc import Callable, Collection, Iterator, Mapping
from fractions import Fraction
from functools import partial

from services.dashboard.indicators import formulas
from services.dashboard.indicators.formulas import WEEK_US, Undefined, ratio
from services.dashboard.indicators.window import Window

Value = int | float
Figure = Callable[[], Value]


def _each(formula: Callable[[Window, int], Value]) -> Callable[[Window], Iterator[Figure]]:
    """A formula of a window and the index of a period, as one figure after the other."""

    def figures(window: Window) -> Iterator[Figure]:
        for index in range(len(window.periods)):
            yield partial(formula, window, index)

    return figures


def _supply(window: Window, index: int) -> Value:
    sums = window.sums[index]
    return formulas.supply(sums.issued, sums.redeemed, sums.supply) if window.accounted else sums.supply


def _mean(window: Window, index: int) -> Value:
    return formulas.mean_amount(window.sums[index].volume, window.sums[index].transfers)


def _velocity(window: Window, index: int) -> Value:
    elapsed = window.elapsed_us(index)
    if not elapsed:
        raise Undefined(formulas.NO_BALANCES)
    sums = window.sums[index]
    return ratio(formulas.velocity(sums.volume, Fraction(sums.area, elapsed), Fraction(elapsed, WEEK_US)))


def _gini(values: Collection[int], zeros: int, all_zero: str = formulas.ALL_ZERO) -> Value:
    return ratio(formulas.gini(values, zeros, all_zero=all_zero))


def _gini_balances(window: Window) -> Iterator[Figure]:
    for index, balances in enumerate(window.member_balances()):
        zeros = window.members[index] - len(balances)
        yield partial(_gini, balances, zeros)


def _gini_received(window: Window, index: int) -> Value:
    received = window.received[index].values()
    return _gini(received, window.members[index] - len(received), formulas.NOTHING_RECEIVED)


def _user_retention(window: Window, index: int) -> Value:
    if window.before is None:
        raise Undefined(formulas.NO_PERIOD_BEFORE)
    before = window.active_before if index == 0 else window.received[index - 1].keys()
    return ratio(formulas.user_retention(before, window.received[index].keys()))


FIGURES: Mapping[str, Callable[[Window], Iterator[Figure]]] = {
    "supply": _each(_supply),
    "volume": _each(lambda window, index: window.sums[index].volume),
    "transfer_count": _each(lambda window, index: window.sums[index].transfers),
    "mean_transfer": _each(_mean),
    "median_transfer": _each(lambda window, index: formulas.median_amount(window.amounts[index])),
    "velocity": _each(_velocity),
    "active_accounts": _each(lambda window, index: len(window.received[index])),
    "new_accounts": _each(lambda window, index: window.new[index]),
    "gini_balances": _gini_balances,
    "gini_received": _each(_gini_received),
    "user_retention": _each(_user_retention),
}
