"""Health and metrics of every process, on ports of their own and never through the public door."""

import requests

from tests.support.api import Town, administrator
from tests.support.deployment import Deployment, DistributedDeployment
from tests.support.waiting import wait_until


def test_every_process_says_that_it_lives_and_is_ready(distributed: Deployment) -> None:
    assert isinstance(distributed, DistributedDeployment)
    for process in distributed.processes:
        for path in ("livez", "readyz"):
            answer = requests.get(f"{distributed.metrics_url(process)}/{path}", timeout=5)
            assert answer.status_code == 200, f"{process} {path}: {answer.text}"


def test_operators_see_payments_commits_and_requests_as_metrics(distributed: Deployment) -> None:
    assert isinstance(distributed, DistributedDeployment)
    town = Town(administrator(distributed.base_url))
    payer, payee = town.payer(issued=1_000), town.account()
    town.member.pay(payer, payee, 10, town.currency)
    expected = {
        "ledger-writer": 'ledger_transfers_total{kind="payment",outcome="posted"}',
        "gateway": 'http_request_duration_seconds_count{method="POST"',
        "ledger": "rpc_request_duration_seconds_count",
        "ledger-jobs": "journal_relay_lag_records",
        "identity-jobs": "outbox_pending_events",
        "dashboard-jobs": "projection_lag_seconds",
    }
    for process, metric in expected.items():

        def tells(url: str = distributed.metrics_url(process), metric: str = metric) -> bool:
            return metric in requests.get(f"{url}/metrics", timeout=5).text

        wait_until(tells, 10, f"{metric} of {process}")


def test_metrics_are_not_to_be_had_through_the_public_door(deployment: Deployment) -> None:
    assert requests.get(f"{deployment.base_url}/metrics", timeout=5).status_code == 404
    assert requests.get(f"{deployment.base_url}/livez", timeout=5).status_code == 200
