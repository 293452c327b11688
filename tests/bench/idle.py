"""The chapter "memory": what each process takes while nobody asks anything of it."""

import time
from typing import Any

from tests.bench.figures import rounds
from tests.bench.goals import Result
from tests.bench.over_http import running_distributed
from tests.bench.processes import memory_mb
from tests.bench.settings import Settings
from tests.support.cluster import PrivateCluster

SETTLE_SECONDS = 5.0


def measure(cluster: PrivateCluster, _settings: Settings) -> tuple[list[Result], dict[str, Any]]:
    """The largest of the services (gateway and writer too), and the largest of the jobs processes."""
    with running_distributed(cluster) as deployment:
        time.sleep(SETTLE_SECONDS)
        sizes = memory_mb(deployment)
    jobs = {name: size for name, size in sizes.items() if name.endswith("-jobs")}
    services = {name: size for name, size in sizes.items() if name not in jobs}
    return [_largest("memory_service", services), _largest("memory_jobs", jobs)], {"resident_mb": sizes}


def _largest(goal: str, sizes: dict[str, float]) -> Result:
    name = max(sizes, key=sizes.__getitem__)
    return Result(goal, rounds([sizes[name]]), name)
