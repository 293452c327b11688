"""The chapters that send payments over HTTP to a whole installation: every process, on the same cores."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.figures import rounds
from tests.bench.goals import Result
from tests.bench.settings import Settings
from tests.bench.stack import Resident, Stack
from tests.support.broker import PrivateBroker
from tests.support.cluster import PrivateCluster
from tests.support.deployment import Deployment, DistributedDeployment, EmbeddedDeployment

CONNECTIONS = 64
"""For which the goals are."""
QUERY_RATE = 400.0
SUSTAINED_RATE = 1_000.0
Measured = tuple[list[Result], dict[str, Any]]


def distributed(cluster: PrivateCluster, settings: Settings) -> Measured:
    """Single payments, bulk, history and queries, with every process by itself."""
    with running_distributed(cluster) as deployment:
        measured = _measure(Stack(deployment), settings)
    singles, bulk = measured[f"singles_{CONNECTIONS}"], measured["bulk"]
    behind = rounds(each["behind_seconds"] for each in singles)
    return [
        _singles("http", singles),
        Result("behind", behind),
        Result(
            "bulk",
            rounds(each["a_second"] for each in bulk),
            f"drained {rounds(each['drain_seconds'] for each in bulk).median:.1f} s after",
        ),
        _history(measured["history"]),
        Result("queries", rounds(each["p95_ms"] for each in measured["queries"])),
    ], measured


def embedded(_cluster: PrivateCluster, settings: Settings) -> Measured:
    """The same in the one process with SQLite."""
    with EmbeddedDeployment() as deployment:
        deployment.create_admin()
        deployment.start_all()
        deployment.wait_until_ready()
        measured = _measure(Stack(deployment), settings)
    return [_singles("embedded", measured[f"singles_{CONNECTIONS}"])], measured


def sustained(cluster: PrivateCluster, settings: Settings) -> Measured:
    """A thousand payments a second for long: does the dashboard keep up, does anybody's memory grow?"""
    with running_distributed(cluster) as deployment:
        stack = Stack(deployment)
        stack.singles(CONNECTIONS, settings.warm_seconds, rate=SUSTAINED_RATE)
        resident = Resident(deployment)
        with resident:
            seen = stack.singles(CONNECTIONS, settings.sustained_seconds, rate=SUSTAINED_RATE)
    return [], {
        f"{SUSTAINED_RATE:.0f}_a_second": seen,
        "before_mb": resident.before,
        "grown_mb": resident.grown(),
    }


@contextmanager
def running_distributed(cluster: PrivateCluster) -> Iterator[Deployment]:
    """A distributed installation with its administrator, on a broker of its own."""
    with PrivateBroker() as broker, DistributedDeployment(broker, cluster) as deployment:
        deployment.start_all()
        deployment.wait_until_ready()
        deployment.create_admin()
        yield deployment


def _measure(stack: Stack, settings: Settings) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {}

    def note(name: str, seen: dict[str, Any]) -> None:
        measured.setdefault(name, []).append(seen)

    stack.singles(CONNECTIONS, settings.warm_seconds)
    for _ in range(settings.http_rounds):
        for connections in settings.connections:
            note(f"singles_{connections}", stack.singles(connections, settings.http_seconds))
        note("bulk", stack.bulk(settings.bulk_transfers))
        note("queries", stack.queries(16, QUERY_RATE, settings.http_seconds))
    for _ in range(settings.http_rounds):
        note("history", stack.history(settings.history))
    return measured


def _singles(goal: str, singles: list[dict[str, Any]]) -> Result:
    p99 = rounds(each["p99_ms"] for each in singles).median
    refused = sum(each["refused"] for each in singles)
    shown = f"p99 {p99:.0f} ms" + (f", {refused} refused" if refused else "")
    return Result(goal, rounds(each["a_second"] for each in singles), shown)


def _history(seen: list[dict[str, Any]]) -> Result:
    return Result("csv", rounds(each["seconds"] for each in seen), f"{seen[0]['rows']:,} rows")
