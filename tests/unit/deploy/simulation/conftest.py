"""One simulated town, written once and read by all tests of this folder."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest

from deploy.demo.simulation.log import Row, Summary, simulate, write_log
from deploy.demo.simulation.scenario import Scenario
from deploy.demo.simulation.town import Participant, describe

# Three months over the change to summer time, large enough for shares to be stable.
TOWN = Scenario(accounts=400, days=90, seed=7, start=date(2024, 2, 5))


@dataclass(frozen=True)
class Written:
    """A log as its file has it, with what the writer said of it."""

    scenario: Scenario
    text: str
    lines: list[dict[str, str]]
    summary: Summary
    people: dict[str, Participant]


def write(scenario: Scenario) -> Written:
    file = io.StringIO(newline="")
    summary = write_log(scenario, file)
    lines = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    people = {one.address: one for one in describe(scenario)}
    return Written(scenario, file.getvalue(), lines, summary, people)


@pytest.fixture(scope="session")
def town() -> Written:
    return write(TOWN)


@pytest.fixture(scope="session")
def write_scenario() -> Callable[[Scenario], Written]:
    return write


def genuine(scenario: Scenario) -> list[Row]:
    return [row for row in simulate(scenario) if row.kind == "genuine"]
