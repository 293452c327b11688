"""The machine's clock is set back under the embedded process while people pay, and it starts with it so: a
little is not noticed, much stops payments until it is right, and nothing is lost or done twice.
"""

import random
from collections.abc import Iterator

import pytest

from tests.support import tally
from tests.support.api import Town, administrator
from tests.support.deployment import Deployment
from tests.support.faults.clocks import BEHIND, LITTLE_SECONDS, MUCH_SECONDS
from tests.support.faults.one_process import check
from tests.support.faults.set_clock import SettableClock
from tests.support.faults.steady_load import SteadyLoad
from tests.support.waiting import wait_until

SEED = 20261123
WAIT_SECONDS = 60.0
PROCESS = "up"

pytestmark = pytest.mark.faults


@pytest.fixture
def clock(embedded: Deployment) -> Iterator[SettableClock]:
    """What the process goes by in this test."""
    clock = SettableClock(embedded.folder / "clock")
    _start_again(embedded, dict(clock.environment))
    yield clock
    _start_again(embedded, {})
    embedded.wait_until_ready()


def test_the_embedded_clock_is_set_back_under_load(embedded: Deployment, clock: SettableClock) -> None:
    embedded.wait_until_ready()
    chance = random.Random(SEED)
    town = Town(administrator(embedded.base_url))
    load = SteadyLoad(town, SEED)
    load.start()
    try:
        load.wait_until_moving()
        clock.set_back(chance.choice(LITTLE_SECONDS))
        load.wait_until_moving()
        clock.set_back(chance.choice(MUCH_SECONDS))
        wait_until(lambda: load.memory.not_answers[BEHIND] > 0, WAIT_SECONDS, "payments to be refused")
        embedded.kill(PROCESS)
        embedded.start(PROCESS)
        refused = load.memory.not_answers[BEHIND]
        wait_until(lambda: load.memory.not_answers[BEHIND] > refused, WAIT_SECONDS, "to be refused again")
        clock.set_back(chance.choice(LITTLE_SECONDS))
        load.wait_until_moving()
        clock.set_back(0)
        load.wait_until_moving()
        load.settle()
        check(embedded, town, load)
        tally.count("rounds of set_clock_back, embedded")
        tally.count("commands acknowledged under faults", len(load.memory.accepted))
    finally:
        load.stop()


def _start_again(deployment: Deployment, changed: dict[str, str]) -> None:
    deployment.kill(PROCESS)
    deployment.changed[PROCESS] = changed
    deployment.start(PROCESS)
