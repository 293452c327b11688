"""kill -9 under load: what was acknowledged is there once, nothing twice, the books balance, the figures
follow.
"""

import json

import pytest

from tests.support import tally
from tests.support.api import Town, administrator
from tests.support.broker import PrivateBroker
from tests.support.deployment import Deployment
from tests.support.faults.shadow import Shadow
from tests.support.load import AMOUNT, Load
from tests.support.waiting import wait_until

PAYMENTS = 4_000
DONE_SECONDS = 90
CATCH_UP_SECONDS = 60

pytestmark = pytest.mark.faults


def test_the_embedded_process_is_killed_under_load(embedded: Deployment) -> None:
    town = Town(administrator(embedded.base_url))
    with Load(town, PAYMENTS) as load:
        for _ in range(2):
            wait_until(load.is_moving, DONE_SECONDS, "more payments acknowledged")
            assert load.is_under_way()
            embedded.kill("up")
            # Not until it is ready: that it is shows by the next payment, and by then all may be done.
            embedded.start("up")
        wait_until(load.is_done, DONE_SECONDS, "every payment acknowledged")
    check_everything(embedded, town, load)


@pytest.mark.parametrize("process", ["ledger-writer", "ledger-jobs", "dashboard-jobs"])
def test_a_distributed_process_is_killed_under_load(distributed: Deployment, process: str) -> None:
    town = Town(administrator(distributed.base_url))
    with Load(town, PAYMENTS) as load:
        wait_until(load.is_under_way, DONE_SECONDS, "some payments acknowledged")
        distributed.kill(process)
        distributed.start(process)
        wait_until(load.is_done, DONE_SECONDS, "every payment acknowledged")
    check_everything(distributed, town, load)


def test_the_broker_is_stopped_and_started_under_load(distributed: Deployment, broker: PrivateBroker) -> None:
    if not broker.is_private:
        pytest.skip("the broker of MEDTOWN_TEST_AMQP_URL is not ours to stop")
    town = Town(administrator(distributed.base_url))
    with Load(town, PAYMENTS) as load:
        wait_until(load.is_under_way, DONE_SECONDS, "some payments acknowledged")
        broker.stop()
        broker.start()
        wait_until(load.is_done, DONE_SECONDS, "every payment acknowledged")
    check_everything(distributed, town, load)


def check_everything(deployment: Deployment, town: Town, load: Load) -> None:
    """The ledger's own proof, the balances, and the dashboard's figures, all of the same payments."""
    assert town.member.balance(load.payer) == 0
    assert town.operator.balance(load.payee) == PAYMENTS * AMOUNT
    done = deployment.medtown(
        "verify-ledger", "--json", process="ledger" if deployment.kind == "distributed" else "tools"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["sound"] is True
    try:
        town.wait_for_indicator("transfer_count", PAYMENTS, CATCH_UP_SECONDS)
    except TimeoutError:
        print(deployment.logs())
        raise
    assert town.indicator("volume") == PAYMENTS * AMOUNT
    assert town.indicator("supply") == PAYMENTS * AMOUNT
    if deployment.kind == "embedded":
        # The distributed one is looked at after each round of faults.
        with Shadow(deployment.database_url("ledger")) as shadow:
            shadow.must_equal(deployment.database_url("dashboard"))
    tally.count("rounds of faults")
    tally.count("rounds of something killed or stopped under a bulk load")
    tally.count("commands acknowledged under faults", len(load.acknowledged))
