"""The chapter "engine": the writer in its process against PostgreSQL, beside pgbench, in turns."""

from collections import defaultdict
from typing import Any

from tests.bench.figures import ratios, rounds
from tests.bench.goals import Result
from tests.bench.pgbench import TpcB
from tests.bench.processes import AskedProcess
from tests.bench.settings import Settings
from tests.support.cluster import PrivateCluster

BATCH = 1_000

SCENARIOS: dict[str, dict[str, Any]] = {
    "batch_random": {"do": "batch", "town": "PLAIN", "payments": "random", "size": BATCH},
    "batch_hot": {"do": "batch", "town": "PLAIN", "payments": "hot", "size": BATCH},
    "callers_1": {"do": "callers", "town": "PLAIN", "payments": "random", "callers": 1},
    "callers_8": {"do": "callers", "town": "PLAIN", "payments": "random", "callers": 8},
    "callers_32": {"do": "callers", "town": "PLAIN", "payments": "random", "callers": 32},
    "callers_256": {"do": "callers", "town": "PLAIN", "payments": "random", "callers": 256},
    "callers_32_hot": {"do": "callers", "town": "PLAIN", "payments": "hot", "callers": 32},
    "batch_refused": {"do": "refused", "size": BATCH},
    "batch_daily_limits": {"do": "batch", "town": "DAYS", "payments": "random", "size": BATCH},
    "batch_purpose_and_fee": {"do": "batch", "town": "FEES", "payments": "random", "size": BATCH},
    "pending_then_post": {"do": "pending", "size": BATCH},
}
"""What is asked of the engine in each round. The first two are taken as they come, next to each other."""


class EngineProcess(AskedProcess):
    """The engine in a process of its own."""

    def __init__(self, url: str, accounts: int) -> None:
        super().__init__("tests.bench.engine_process", url, str(accounts))


def measure(cluster: PrivateCluster, settings: Settings) -> tuple[list[Result], dict[str, Any]]:
    """The engine's goals, and the medians of all that was measured."""
    tpcb = TpcB(cluster)
    measured: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with EngineProcess(cluster.create_database("engine"), settings.accounts) as engine:
        for scenario in SCENARIOS.values():
            # Books are made, caches are filled and statements prepared before anything is counted.
            engine.ask(**scenario, seconds=settings.warm_seconds)
        for _ in range(settings.rounds):
            measured["tpcb"].append({"a_second": tpcb.transactions_a_second(settings.round_seconds)})
            for name, scenario in SCENARIOS.items():
                measured[name].append(engine.ask(**scenario, seconds=settings.round_seconds))
    return _results(measured), {name: _median(listed) for name, listed in measured.items()}


def _results(measured: dict[str, list[dict[str, Any]]]) -> list[Result]:
    speed = {name: [each["a_second"] for each in listed] for name, listed in measured.items()}
    shown = {name: f"{rounds(values).median:,.0f}/s" for name, values in speed.items()}

    def compared(goal: str, one: str, other: str) -> Result:
        return Result(goal, ratios(speed[one], speed[other]), f"{shown[one]} against {shown[other]}")

    def slowest(callers: int) -> Result:
        times = rounds(each["p99_ms"] for each in measured[f"callers_{callers}"])
        return Result(f"p99_{callers}", times, shown[f"callers_{callers}"])

    return [
        compared("batch", "batch_random", "tpcb"),
        compared("hot", "batch_hot", "batch_random"),
        compared("callers", "callers_32", "tpcb"),
        slowest(32),
        slowest(256),
    ]


def _median(listed: list[dict[str, Any]]) -> dict[str, float]:
    return {name: rounds(each[name] for each in listed).median for name in listed[0]}
