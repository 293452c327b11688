"""Whatever people do, in whatever order, the kernel does what the model does."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.model.history import History

HISTORIES = 10_000 if settings().max_examples >= 1000 else 300
STEPS = 30


@pytest.mark.timeout(3 * 3600)
def test_random_histories_equal_the_model() -> None:
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
