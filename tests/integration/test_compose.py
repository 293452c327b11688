"""docker-compose.yml at work: its own commands, variables, users and definitions, without containers."""

import pytest
import requests

from tests.support.api import Town, administrator
from tests.support.composed import ComposedDeployment

pytestmark = pytest.mark.distributed


def test_a_payment_moves_the_indicator(composed: ComposedDeployment) -> None:
    town = Town(administrator(composed.base_url))
    payer, payee = town.payer(issued=10_000), town.account()
    town.member.pay(payer, payee, 2_500, town.currency)
    assert town.operator.balance(payee) == 2_500
    town.wait_for_indicator("volume", 2_500)


def test_every_process_is_healthy_by_the_check_of_its_container(composed: ComposedDeployment) -> None:
    assert {name: composed.healthcheck(name) for name in composed.processes} == dict.fromkeys(
        composed.processes, 0
    )


def test_every_process_tells_prometheus_that_it_is_ready(composed: ComposedDeployment) -> None:
    for url in composed.ready_urls()[:-1]:
        metrics = requests.get(f"{url}/metrics", timeout=10).text
        ready = [line for line in metrics.splitlines() if line.startswith("process_ready{")]
        assert ready
        assert {line.rsplit(" ", 1)[1] for line in ready} == {"1.0"}, ready


def test_the_operators_tools_do_their_work(composed: ComposedDeployment) -> None:
    town = Town(administrator(composed.base_url))
    town.account(issued=500)
    verified = composed.medtown("verify-ledger", process="verify-ledger")
    assert verified.returncode == 0, verified.stderr
    assert "sound" in verified.stdout
    rebuilt = composed.medtown("rebuild-dashboard", process="rebuild-dashboard")
    assert rebuilt.returncode == 0, rebuilt.stderr
    parked = composed.medtown("dead-letters", "list")
    assert parked.returncode == 0, parked.stderr


def test_an_upgrade_runs_the_steps_again_and_changes_nothing(composed: ComposedDeployment) -> None:
    before = composed.amqp_url("gateway"), composed.database_url("ledger")
    composed.prepare()
    assert (composed.amqp_url("gateway"), composed.database_url("ledger")) == before
    Town(administrator(composed.base_url)).account(issued=1)
