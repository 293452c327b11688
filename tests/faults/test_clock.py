"""The writer's clock is set back and right again while people pay: some wait, nobody pays twice or never."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.ledger.journal.verify import verify
from shared.contracts import clock
from shared.contracts.commands import Command
from tests.support.ledger import issue
from tests.support.waiting import wait_until
from tests.support.writing import Ledger, refused_as, running_ledger

SEED = 20261123
CALLERS = 4
PAYMENTS = 60
JUMPS_SECONDS = (0, -5, -30, -59, -61, -3600, -400 * 24 * 3600)
WAIT_SECONDS = 20.0


class Clock:
    """Jumps before every reading, never ahead of the real one."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.jumps = True

    def now_us(self) -> int:
        seconds = self._chance.choice(JUMPS_SECONDS) if self.jumps else 0
        return clock.now_us() + seconds * clock.MICROSECONDS


@pytest.fixture
def migrated_folder() -> str:
    return "services/ledger"


def test_a_clock_that_jumps_back_delays_and_spoils_nothing(database_url: str) -> None:
    jumping = Clock(SEED)
    with running_ledger(database_url) as ledger:
        account = ledger.account(currency=ledger.currency())
        ledger.writer.stop()
        ledger.writer = ledger.new_writer(now_us=jumping.now_us)
        ledger.start()
        waited = 0

        def pay(command: Command) -> int:
            refusals = 0

            def is_accepted() -> bool:
                nonlocal refusals
                (outcome,) = ledger.decide([command])
                if outcome.view is None:
                    assert refused_as(outcome) == "clock-behind"
                    refusals += 1
                return outcome.view is not None

            wait_until(is_accepted, WAIT_SECONDS, "the clock to be right")
            return refusals

        with ThreadPoolExecutor(CALLERS) as callers:
            waited = sum(callers.map(pay, [issue(account, 1) for _ in range(PAYMENTS)]))
        assert waited > 0, "no jump was far enough to be felt"
        assert ledger.total(account) == PAYMENTS
        assert recorded_times(ledger) == sorted(recorded_times(ledger))
        assert verify(ledger.database, 0).sound


def recorded_times(ledger: Ledger) -> list[int]:
    """When each record was made, in their order."""
    with ledger.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT recorded_at FROM journal ORDER BY sequence")
        return [row[0] for row in rows]
