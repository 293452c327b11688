"""Alert rules, each firing when it should and silent when not, by promtool; and that rules and the board ask
for metrics that exist.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import deploy.embedded
import gateway.app
from deploy.health import READY_METRIC
from deploy.installing.processes import running
from deploy.services import SERVICES

PROJECT = Path(__file__).parents[3]
FOLDER = PROJECT / "deploy" / "prometheus"
BOARD = PROJECT / "deploy" / "grafana" / "boards" / "medtown.json"
EVERYTHING = (deploy.embedded, gateway.app)
"""What imports all that measures something."""
NOT_OURS = {"up", "rabbitmq_queue_messages"}
LONG = "x400"
WRITER = 'process_ready{job="medtown", process="ledger-writer", check="leading", instance="%s"}'
HTTP = 'http_request_duration_seconds_count{job="medtown", process="gateway", status="%s"}'


@dataclass(frozen=True)
class Case:
    """Series that make an alert fire after `minutes` with these labels, and series that do not."""

    firing: Mapping[str, str]
    quiet: Mapping[str, str]
    labels: Mapping[str, str]
    summary: str
    minutes: int = 30


def up(process: str, value: int, job: str = "medtown") -> dict[str, str]:
    return {f'up{{job="{job}", process="{process}", instance="a"}}': f"{value}{LONG}"}


EVERYBODY_UP = {
    name: series
    for process in ("gateway", "ledger-writer", "ledger-jobs", "ledger", "identity")
    for name, series in up(process, 1).items()
}
GATEWAY_IS = {"process": "gateway", "instance": "a", "job": "medtown"}
FORGED = 'process="ledger", audience="ledger", reason="wrong-signature"'
QUEUE = "dashboard.identity.person.registered.v1"


def buckets(name: str, slow: bool) -> dict[str, str]:
    """Ten observations a minute, of which half took up to 2 s, or all less than 0.1 s."""
    return {
        f'{name}_bucket{{job="medtown", le="0.1"}}': f"0+{5 if slow else 10}{LONG}",
        f'{name}_bucket{{job="medtown", le="2"}}': f"0+10{LONG}",
        f'{name}_bucket{{job="medtown", le="+Inf"}}': f"0+10{LONG}",
    }


CASES = {
    "ProcessDown": Case(up("gateway", 0), up("gateway", 1), GATEWAY_IS, "gateway does not answer"),
    "ProcessMissing": Case(
        {name: series for name, series in EVERYBODY_UP.items() if '"ledger-jobs"' not in name},
        EVERYBODY_UP,
        {"process": "ledger-jobs", "job": "medtown"},
        "ledger-jobs is not there at all",
    ),
    "ProcessNotReady": Case(
        {'process_ready{job="medtown", process="ledger", check="database"}': f"0{LONG}"},
        {
            'process_ready{job="medtown", process="ledger", check="database"}': f"1{LONG}",
            # A second writer that waits for its turn.
            'process_ready{job="medtown", process="ledger-writer", check="leading"}': f"0{LONG}",
            'process_ready{job="medtown", process="ledger-writer", check="serving"}': f"0{LONG}",
        },
        {"job": "medtown", "process": "ledger", "check": "database"},
        "ledger lacks: database",
    ),
    "RabbitMQDown": Case(
        {'up{job="rabbitmq"}': f"0{LONG}"},
        {'up{job="rabbitmq"}': f"1{LONG}"},
        {"job": "rabbitmq"},
        "RabbitMQ does not answer",
    ),
    "NoWriterLeads": Case(
        {WRITER % "a": f"0{LONG}", WRITER % "b": f"0{LONG}"},
        {WRITER % "a": f"0{LONG}", WRITER % "b": f"1{LONG}"},
        {},
        "No ledger writer leads; payments are refused",
    ),
    "JournalRelayBehind": Case(
        {'journal_relay_lag_records{partition="0"}': f"6000{LONG}"},
        {'journal_relay_lag_records{partition="0"}': "6000 0 6000 0 6000 0" + " 100" * 30},
        {"partition": "0"},
        "6000 journal records are not published",
    ),
    "PaymentsFailInside": Case(
        {'ledger_transfers_total{outcome="internal-error"}': f"0+1{LONG}"},
        {
            'ledger_transfers_total{outcome="internal-error"}': f"7{LONG}",
            'ledger_transfers_total{outcome="insufficient-funds"}': f"0+9{LONG}",
        },
        {},
        "Payments end with an error of ours",
    ),
    "CommitsSlow": Case(
        buckets("ledger_commit_duration_seconds", slow=True),
        buckets("ledger_commit_duration_seconds", slow=False),
        {},
        "One commit in twenty takes 1.81s",
    ),
    "ProjectionStalled": Case(
        {'projection_stalled{partition="0"}': f"1{LONG}"},
        {'projection_stalled{partition="0"}': f"0{LONG}"},
        {"partition": "0"},
        "A journal record cannot be applied; figures stand still",
    ),
    "ProjectionBehind": Case(
        {'projection_lag_seconds{partition="0"}': f"90{LONG}"},
        {'projection_lag_seconds{partition="0"}': f"5{LONG}"},
        {"partition": "0"},
        "Figures are 1m 30s old",
    ),
    "ProjectionDiverged": Case(
        {'projection_diverged_total{partition="0"}': "0x20 1" + LONG},
        {'projection_diverged_total{partition="0"}': f"1{LONG}"},
        {"partition": "0"},
        "The journal is another one than before; figures were rebuilt",
    ),
    "ForgedTokens": Case(
        {f"auth_refusals_total{{{FORGED}}}": "0x20 1" + LONG},
        {
            f"auth_refusals_total{{{FORGED}}}": f"3{LONG}",
            'auth_refusals_total{process="ledger", audience="ledger", reason="expired"}': "0+1x400",
            'auth_roles_withheld_total{process="ledger", audience="ledger"}': f"1{LONG}",
        },
        {"process": "ledger", "audience": "ledger", "reason": "wrong-signature"},
        "ledger: calls came with tokens that nobody here signed, or that claim too much",
    ),
    "ForgedJournal": Case(
        {'projection_foreign_batches_total{partition="0"}': "0x20 1" + LONG},
        {'projection_foreign_batches_total{partition="0"}': f"1{LONG}"},
        {"partition": "0"},
        "Batches came that go on from another journal than the ledger's; none was applied",
    ),
    "DeadLetters": Case(
        {f'consumer_dead_lettered_total{{queue="{QUEUE}"}}': "0x20 2" + LONG},
        {f'consumer_dead_lettered_total{{queue="{QUEUE}"}}': f"2{LONG}"},
        {"queue": QUEUE},
        f"{QUEUE}: events were given up",
    ),
    "DeadLettersWaiting": Case(
        {f'rabbitmq_queue_messages{{queue="{QUEUE}.dead", node="a"}}': "3x2000"},
        {
            f'rabbitmq_queue_messages{{queue="{QUEUE}.dead", node="a"}}': "0x2000",
            f'rabbitmq_queue_messages{{queue="{QUEUE}", node="a"}}': "3x2000",
        },
        {"queue": f"{QUEUE}.dead"},
        f"{QUEUE}.dead: 3 events wait for a day",
        minutes=1500,
    ),
    "OutboxOld": Case(
        {'outbox_oldest_pending_age_seconds{service="identity"}': f"180{LONG}"},
        {'outbox_oldest_pending_age_seconds{service="identity"}': f"2{LONG}"},
        {"service": "identity"},
        "identity: an event waits for 3m 0s",
    ),
    "ServerErrors": Case(
        {HTTP % "200": f"0+95{LONG}", HTTP % "503": f"0+5{LONG}"},
        {HTTP % "200": f"0+99{LONG}", HTTP % "404": f"0+50{LONG}", HTTP % "500": f"0+1{LONG}"},
        {},
        "5% of all requests end with a 5xx",
    ),
    "AnswersSlow": Case(
        buckets("http_request_duration_seconds", slow=True),
        buckets("http_request_duration_seconds", slow=False),
        {},
        "One request in twenty takes 1.81s",
    ),
    "CallsFailInside": Case(
        {'rpc_request_duration_seconds_count{process="ledger", outcome="internal-error"}': f"0+6{LONG}"},
        {
            'rpc_request_duration_seconds_count{process="ledger", outcome="internal-error"}': f"6{LONG}",
            'rpc_request_duration_seconds_count{process="ledger", outcome="not-found"}': f"0+60{LONG}",
        },
        {"process": "ledger"},
        "ledger answers calls with faults of ours",
    ),
}


def rules() -> dict[str, Any]:
    """The alert rules, by name."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def promtool(*arguments: str) -> str:
    """What promtool says; it must find nothing wrong."""
    program = shutil.which("promtool")
    assert program is not None, "promtool is missing: install the package prometheus"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected(alert: str, case: Case) -> dict[str, Any]:
    rule = rules()[alert]
    runbook = re.sub(
        r"\{\{ \$labels\.(\w+) \}\}", lambda found: case.labels[found[1]], rule["annotations"]["runbook"]
    )
    return {
        "exp_labels": {**case.labels, **rule["labels"]},
        "exp_annotations": {"summary": case.summary, "runbook": runbook},
    }


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    assert CASES.keys() == rules().keys()
    tests = []
    for alert, case in CASES.items():
        for series, alerts in ((case.firing, [expected(alert, case)]), (case.quiet, [])):
            tests.append(
                {
                    "name": f"{alert}, {'firing' if alerts else 'quiet'}",
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series.items()],
                    "alert_rule_test": [
                        {"eval_time": f"{case.minutes}m", "alertname": alert, "exp_alerts": alerts}
                    ],
                }
            )
    file = tmp_path / "alerts_test.yml"
    file.write_text(
        yaml.safe_dump(
            {"rule_files": [str(FOLDER / "alerts.yml")], "evaluation_interval": "1m", "tests": tests}
        )
    )
    promtool("test", "rules", str(file))


def test_the_configuration_is_sound() -> None:
    promtool("check", "config", str(FOLDER / "prometheus.yml"))


def test_the_board_asks_in_valid_words(tmp_path: Path) -> None:
    panels = json.loads(BOARD.read_text())["panels"]
    asked = [
        target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]
    ]
    recorded = [{"record": f"board:{number}", "expr": expr} for number, expr in enumerate(asked)]
    file = tmp_path / "board.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": recorded}]}))
    promtool("check", "rules", str(file))


def test_every_process_is_scraped() -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    [ours] = [job for job in configuration["scrape_configs"] if job["job_name"] == "medtown"]
    assert set(ours["dns_sd_configs"][0]["names"]) == set(running())


def known_metrics() -> Iterator[str]:
    """The names of all series that our processes tell."""
    assert EVERYTHING
    for service in SERVICES.values():
        for module in ("resources", "jobs", "service"):
            import_module(f"{service.package}.{module}")
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    for family in REGISTRY.collect():
        for ending in endings.get(family.type, ()):
            yield family.name + ending
    yield READY_METRIC


def asked_in(expression: str) -> set[str]:
    """The metrics that an expression of PromQL asks for: names before a brace or a range, or bare ones."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", bare)
    bare = re.sub(r"\b(by|without|on|ignoring) ?\([^)]*\)", "", bare)
    return {
        name
        for name in re.findall(r"[a-z_:][a-z0-9_:]*(?![a-z0-9_:]|\s*\()", bare)
        if name not in {"or", "and", "unless", "bool"}
    }


@pytest.mark.parametrize("place", ["alerts", "board"])
def test_what_is_asked_for_exists(place: str) -> None:
    if place == "alerts":
        expressions = [rule["expr"] for rule in rules().values()]
    else:
        panels = json.loads(BOARD.read_text())["panels"]
        expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    asked = set().union(*map(asked_in, expressions))
    assert len(asked) > 10
    assert asked - set(known_metrics()) - NOT_OURS == set()


def test_the_board_shows_what_operators_ask_first() -> None:
    board = json.loads(BOARD.read_text())
    asked = set().union(
        *(asked_in(target["expr"]) for panel in board["panels"] for target in panel["targets"])
    )
    assert asked >= {
        "ledger_transfers_total",
        "ledger_commit_duration_seconds_bucket",
        "ledger_commit_batch_size_bucket",
        "journal_relay_lag_records",
        "projection_lag_seconds",
        "http_request_duration_seconds_bucket",
        "consumer_dead_lettered_total",
    }
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == "prometheus"
        assert 0 <= panel["gridPos"]["x"] <= 24 - panel["gridPos"]["w"]
