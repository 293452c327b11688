"""Rows as real logs have them: payments beyond the balance, and fields that nobody can read.

They come on top of the town's life, from a source of chance of their own: without them, ids aside, the log is
the one that the same scenario writes with both shares at 0.
"""

from collections.abc import Sequence
from random import Random

from deploy.demo.simulation import trades
from deploy.demo.simulation.model import STANDARD, Move
from deploy.demo.simulation.scenario import Scenario

# (column, what stands there): one of them spoils a row.
UNREADABLE = (
    ("timeset", "2020-02-30 10:00:00.000000"),
    ("timeset", "yesterday"),
    ("transfer_subtype", "GIFT"),
    ("source", ""),
    ("target", ""),
    ("weight", "12,50"),
    ("weight", "-3.00"),
    ("weight", "0.00"),
    ("weight", "NaN"),
)


class Faults:
    """Decides after each genuine row which faulty ones follow it."""

    def __init__(self, scenario: Scenario) -> None:
        genuine = 1 - scenario.overdraw_share - scenario.malformed_share
        self._overdraw_chance = scenario.overdraw_share / genuine
        self._malform_chance = scenario.malformed_share / genuine
        self._rng = Random(f"{scenario.seed}/faults")
        self._owed = 0
        self._last: Move | None = None

    def overdraft(self, move: Move, balances: Sequence[int]) -> Move | None:
        """A payment that its payer cannot make, or None.

        The last payer tries once more, for more than is left. The move is not to be booked: a replay that
        refuses it finds all other rows in order, one that books it does not.
        """
        if move.subtype == STANDARD:
            self._last = move
        if self._overdraw_chance and self._rng.random() < self._overdraw_chance:
            self._owed += 1
        if not self._owed or self._last is None:
            return None
        self._owed -= 1
        _, payer, payee, _ = self._last
        beyond = trades.price(trades.FOOD, self._rng)
        return Move(STANDARD, payer, payee, balances[payer] + beyond)

    def spoil(self) -> tuple[str, str] | None:
        """The column to spoil in a copy of the row and what is to stand there, or None."""
        if not self._malform_chance or self._rng.random() >= self._malform_chance:
            return None
        return UNREADABLE[int(self._rng.random() * len(UNREADABLE))]
