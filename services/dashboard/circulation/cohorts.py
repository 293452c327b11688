"""Atoms: the days of a week that lie in one month. Weeks, months, quarters and years are made of whole ones.

What is summed by atoms can be told by any of these periods, with a fifth as many sums as by days.
"""

from services.dashboard.indicators.periods import bounds_of, day, number


class Atoms:
    """The first day of the atom that a day lies in; remembers what it has worked out."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def of(self, number_of_day: int) -> int:
        atom = self._known.get(number_of_day)
        if atom is None:
            moment = day(number_of_day)
            atom = number(max(bounds_of("week", moment)[0], bounds_of("month", moment)[0]))
            self._known[number_of_day] = atom
        return atom
