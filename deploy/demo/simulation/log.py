"""A simulated town's payments as a research log: the CSV of the UK Data Service's collection 855142."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import NamedTuple, TextIO

from deploy.demo.simulation import rhythm
from deploy.demo.simulation.faults import Faults
from deploy.demo.simulation.model import DISBURSEMENT, RECLAMATION, SUBTYPES, Model, Move
from deploy.demo.simulation.scenario import Scenario
from deploy.demo.simulation.town import ISSUER

COLUMNS = ("id", "timeset", "transfer_subtype", "source", "target", "weight", "token_name", "token_address")
EXTRA_UNITS = 10**10  # of a cent: with its two decimals, twelve

GENUINE, OVERDRAWS, MALFORMED = "genuine", "overdraws", "malformed"


class Row(NamedTuple):
    """The eight columns of the file as text, then what the simulation knows: cents and GENUINE, OVERDRAWS
    (would take its payer below 0 and is not booked) or MALFORMED (a field cannot be read)."""

    id: str
    timeset: str
    transfer_subtype: str
    source: str
    target: str
    weight: str
    token_name: str
    token_address: str
    cents: int
    kind: str


@dataclass
class Summary:
    """What was written. Counts and volumes by subtype are of genuine rows; the faulty ones are counted apart.

    accounts: addresses that occur in genuine rows, the issuer's not counted. supply_cents: created less
    destroyed, which is the sum of all members' balances.
    """

    rows: int = 0
    rows_by_subtype: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUBTYPES, 0))
    cents_by_subtype: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUBTYPES, 0))
    overdrawing_rows: int = 0
    malformed_rows: int = 0
    accounts: int = 0
    first_timeset: str | None = None
    last_timeset: str | None = None

    def add(self, row: Row) -> None:
        """Count one more row."""
        self.rows += 1
        if row.kind == OVERDRAWS:
            self.overdrawing_rows += 1
        elif row.kind == MALFORMED:
            self.malformed_rows += 1
        else:
            self.rows_by_subtype[row.transfer_subtype] += 1
            self.cents_by_subtype[row.transfer_subtype] += row.cents
            self.first_timeset = self.first_timeset or row.timeset
            self.last_timeset = row.timeset

    @property
    def supply_cents(self) -> int:
        return self.cents_by_subtype[DISBURSEMENT] - self.cents_by_subtype[RECLAMATION]


Progress = Callable[[int, int, int], None]
"""Called after each day with (days done, days in all, rows so far)."""


class _Log:
    """Turns a town's moves into rows, day by day."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._model = Model(scenario)
        self._faults = Faults(scenario) if scenario.overdraw_share or scenario.malformed_share else None
        self._decimals = Random(f"{scenario.seed}/decimals") if scenario.extra_decimals else None
        self._token = (scenario.token_name, self._model.town.token_address)
        self._last_id = 0
        self._met = bytearray(scenario.accounts + 1)

    def accounts_met(self) -> int:
        """How many members have occurred in genuine rows so far."""
        return sum(self._met) - self._met[ISSUER]

    def day(self, number: int) -> Iterator[Row]:
        """The rows of a day, counted from 0, in order of time."""
        today = self._scenario.start + timedelta(days=number)
        prefix, offset = today.isoformat(), rhythm.utc_offset(today)
        for when, move in self._model.day(number):
            timeset = f"{prefix} {_clock(when - offset)}"
            self._met[move.source] = self._met[move.target] = 1
            row = self._row(timeset, move, GENUINE)
            yield row
            if self._faults is not None:
                yield from self._faulty(self._faults, row, move)

    def _faulty(self, faults: Faults, row: Row, move: Move) -> Iterator[Row]:
        overdraft = faults.overdraft(move, self._model.balances)
        if overdraft is not None:
            yield self._row(row.timeset, overdraft, OVERDRAWS)
        spoilt = faults.spoil()
        if spoilt is not None:
            column, text = spoilt
            yield Row(**row._asdict() | {"id": self._id(), "cents": 0, "kind": MALFORMED, column: text})

    def _row(self, timeset: str, move: Move, kind: str) -> Row:
        subtype, source, target, cents = move
        address = self._model.town.address
        weight = self._weight(cents)
        return Row(
            self._id(), timeset, subtype, address(source), address(target), weight, *self._token, cents, kind
        )

    def _id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    def _weight(self, cents: int) -> str:
        if self._decimals is None:
            return f"{cents // 100}.{cents % 100:02d}"
        # Less than half a cent up or down, so that rounding to the nearest cent, however it treats halves,
        # gives the cents back. Rounding down does not.
        aside = int((self._decimals.random() - 0.5) * (EXTRA_UNITS - 2))
        whole, part = divmod(cents * EXTRA_UNITS + aside, 100 * EXTRA_UNITS)
        return f"{whole}.{part:012d}".rstrip("0").rstrip(".")


def simulate(scenario: Scenario) -> Iterator[Row]:
    """The rows of a scenario in order of time, made as they are asked for; memory grows with accounts."""
    log = _Log(scenario)
    for number in range(scenario.days):
        yield from log.day(number)


def write_log(scenario: Scenario, file: TextIO, progress: Progress | None = None) -> Summary:
    """Write a scenario's log, header first, to a text file (UTF-8, opened with newline="").

    Tells `progress` after each of the town's days how far it is. Raises what the file raises.
    """
    log, summary = _Log(scenario), Summary()
    out = csv.writer(file, lineterminator="\n")
    out.writerow(COLUMNS)
    for number in range(scenario.days):
        for row in log.day(number):
            out.writerow(row[:8])
            summary.add(row)
        if progress is not None:
            progress(number + 1, scenario.days, summary.rows)
    summary.accounts = log.accounts_met()
    return summary


def _clock(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, rhythm.SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}.{fraction:06d}"
