"""docker-compose.yml at work: its own commands, variables, users and definitions, without containers."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests

from tests.support import samples
from tests.support.api import Town, administrator
from tests.support.composed import ComposedDeployment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.distributed


def metrics_of(composed: ComposedDeployment, process: str) -> str:
    return requests.get(f"{composed.metrics_url(process)}/metrics", timeout=10).text


def _tells(composed: ComposedDeployment, process: str, series: str) -> bool:
    return series in metrics_of(composed, process)


def test_a_payment_moves_the_indicator(composed: ComposedDeployment) -> None:
    town = Town(administrator(composed.base_url))
    payer, payee = town.payer(issued=10_000), town.account()
    town.member.pay(payer, payee, 2_500, town.currency)
    assert town.operator.balance(payee) == 2_500
    town.wait_for_indicator("volume", 2_500)


def test_journal_and_events_arrive_over_the_broker(composed: ComposedDeployment) -> None:
    Town(administrator(composed.base_url)).payer(issued=100)
    for process, queue in (
        ("dashboard-jobs", "dashboard.journal.v1.0"),
        ("dashboard", "dashboard.identity.person.registered.v1"),
    ):
        told = f'consumer_messages_total{{outcome="ok",queue="{queue}"}}'
        wait_until(partial(_tells, composed, process, told), 20, told)


def test_a_discussion_and_a_document_come_and_go(composed: ComposedDeployment) -> None:
    member = Town(administrator(composed.base_url)).person()[0]
    group = member.expect(201, "POST", "/groups", json={"kind": "open", "name": "Gardens", "description": ""})
    said = {"title": "Water", "body": "Who waters?", "language": "en"}
    topic = member.expect(201, "POST", f"/groups/{group['id']}/topics", json=said)
    reply = {"body": "I do", "language": "en"}
    member.expect(201, "POST", f"/topics/{topic['id']}/replies", json=reply)
    assert member.get(f"/topics/{topic['id']}")["reply_count"] == 1

    file = {"files": {"file": ("report.pdf", samples.pdf(), "application/pdf")}, "data": {}}
    document = member.expect(201, "POST", "/documents", **file)
    content = f"/documents/{document['id']}/content"
    assert member.request("GET", content).content == samples.pdf()
    assert member.request("DELETE", f"/documents/{document['id']}").ok
    assert member.request("GET", content).status_code in {404, 410}


def test_every_process_is_healthy_by_the_check_of_its_container(composed: ComposedDeployment) -> None:
    with ThreadPoolExecutor() as pool:
        codes = dict(zip(composed.processes, pool.map(composed.healthcheck, composed.processes), strict=True))
    assert codes == dict.fromkeys(composed.processes, 0)


def test_every_process_tells_prometheus_that_it_is_ready(composed: ComposedDeployment) -> None:
    for process in composed.processes:
        lines = metrics_of(composed, process).splitlines()
        ready = [line for line in lines if line.startswith("process_ready{")]
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


def test_no_process_was_refused_anything_that_it_tried(composed: ComposedDeployment) -> None:
    logs = composed.logs(characters=10_000_000)
    assert "leading" in logs
    for refusal in ("ACCESS_REFUSED", "AccessRefused", "InsufficientPrivilege", "permission denied"):
        assert refusal not in logs, [line for line in logs.splitlines() if refusal in line][:3]
