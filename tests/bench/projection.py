"""The chapter "projection": how long the dashboard takes for a journal, and how much memory, as it comes in
and when everything is built again.
"""

from typing import Any

from tests.bench.engine import EngineProcess
from tests.bench.figures import rounds
from tests.bench.goals import Result
from tests.bench.growth import FILL_BATCH
from tests.bench.processes import AskedProcess
from tests.bench.settings import Settings
from tests.support.cluster import PrivateCluster

MODULE = "tests.bench.projection_process"
GOAL = 1_000_000
"""Transfers for which the goal is; what was measured with others is scaled."""


def measure(cluster: PrivateCluster, settings: Settings) -> tuple[list[Result], dict[str, Any]]:
    """The journal projected as it is published; then, with the largest books, the projection rebuilt."""
    ledger = cluster.create_database("ledger")
    measured: dict[str, Any] = {}
    with EngineProcess(ledger, settings.accounts) as engine:
        measured["fill"] = engine.ask(do="fill", transfers=settings.projected, size=FILL_BATCH)
        live = measured["live"] = _ask(cluster, ledger, "live")
        more = settings.rebuilt - settings.projected
        if more > 0:
            measured["fill_more"] = engine.ask(do="fill", transfers=more, size=FILL_BATCH)
    rebuilt = measured["rebuild"] = _ask(cluster, ledger, "rebuild")
    seconds = live["seconds"] * GOAL / live["records"]
    shown = f"{live['records']:,} records, {live['a_second']:,.0f}/s"
    whole = f"{rebuilt['records']:,} records in {rebuilt['seconds']:,.0f} s"
    return [
        Result("projection", rounds([seconds]), shown),
        Result("projection_memory", rounds([max(live["most_mb"], rebuilt["most_mb"])]), whole),
    ], measured


def _ask(cluster: PrivateCluster, ledger: str, question: str) -> dict[str, Any]:
    with AskedProcess(MODULE, ledger, cluster.create_database(question)) as process:
        return process.ask(do=question)
