"""Many callers at once are answered as one would be who gave all commands in the order of the journal."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from services.ledger.journal.verify import verify
from services.ledger.writer import deciding
from tests.support.model.crowd import Crowd, World
from tests.support.writing import SERVICE_FOLDER, Ledger

ROUNDS = 200 if settings().max_examples >= 1000 else 15
COMMANDS = 60


@pytest.fixture
def migrated_folder() -> str:
    return SERVICE_FOLDER


@pytest.mark.timeout(3600)
def test_sixteen_callers_are_answered_as_one_in_the_order_of_the_journal(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few enough, so that batches are written both ways: in one piece, and ahead, piece by piece.
    monkeypatch.setattr(deciding, "PIECE", 5)
    ledger = Ledger(database_url)
    try:
        Crowd.world = World(ledger)
        run_state_machine_as_test(
            Crowd,
            settings=settings(
                max_examples=ROUNDS,
                stateful_step_count=COMMANDS,
                suppress_health_check=list(HealthCheck),
                # What threads do cannot be done a second time, so nothing can be made smaller.
                phases=[Phase.generate],
                database=None,
            ),
        )
        assert verify(ledger.database, 0).sound
    finally:
        ledger.close()
