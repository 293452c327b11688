"""The chapter "growth": a payment's cost with few transfers in the books and with many, in turns."""

from typing import Any

import psycopg

from tests.bench.engine import BATCH, EngineProcess
from tests.bench.figures import ratios, rounds
from tests.bench.goals import Result
from tests.bench.settings import Settings
from tests.support.cluster import PrivateCluster

CALLERS = 32
FILL_BATCH = 2_000
SCENARIOS: dict[str, dict[str, Any]] = {
    "batch": {"do": "batch", "town": "PLAIN", "payments": "random", "size": BATCH},
    "callers": {"do": "callers", "town": "PLAIN", "payments": "random", "callers": CALLERS},
}


def measure(cluster: PrivateCluster, settings: Settings) -> tuple[list[Result], dict[str, Any]]:
    """The goal is for the largest books, and the worse of batches and single callers."""
    measured: dict[str, Any] = {}
    small = settings.books[0]
    results: list[Result] = []
    url = cluster.create_database("large")
    with EngineProcess(url, settings.accounts) as large:
        filled = 0
        for number, books in enumerate(settings.books):
            measured[f"fill_to_{books}"] = large.ask(do="fill", transfers=books - filled, size=FILL_BATCH)
            measured[f"fill_to_{books}"]["bytes_a_transfer"] = _journal_bytes(url)
            filled = books
            if number == 0:
                continue
            # Measuring lets the small books grow too, so that each comparison begins with new ones.
            with EngineProcess(cluster.create_database(f"small_{number}"), settings.accounts) as few:
                few.ask(do="fill", transfers=small, size=FILL_BATCH)
                found = _compare(few, large, settings)
            measured[f"{books}_against_{small}"] = found
            results = [_worst(found, f"{books:,} transfers")]
    return results, measured


def _worst(found: dict[str, Any], shown: str) -> Result:
    costs = {name: rounds(each["cost"]) for name, each in found.items()}
    name = max(costs, key=lambda each: costs[each].median)
    return Result("growth", costs[name], f"{shown}, {name}")


def _journal_bytes(url: str) -> float:
    """What a record of the journal takes with its entries and their indexes."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        size = connection.execute(
            "SELECT pg_total_relation_size('journal') + pg_total_relation_size('entries'), "
            "(SELECT sum(last_sequence) FROM partitions)"
        ).fetchone()
    assert size is not None
    return float(size[0] / size[1])


def _compare(few: EngineProcess, many: EngineProcess, settings: Settings) -> dict[str, Any]:
    compared: dict[str, Any] = {}
    for name, scenario in SCENARIOS.items():
        speeds: tuple[list[float], list[float]] = ([], [])
        for engine in (few, many):
            engine.ask(**scenario, seconds=settings.warm_seconds)
        for _ in range(settings.rounds):
            for engine, listed in zip((few, many), speeds, strict=True):
                listed.append(engine.ask(**scenario, seconds=settings.round_seconds)["a_second"])
        compared[name] = {
            "few_a_second": rounds(speeds[0]).median,
            "many_a_second": rounds(speeds[1]).median,
            "cost": list(ratios(*speeds).values),
        }
    return compared
