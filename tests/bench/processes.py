"""The processes of an installation: what each is called, the memory that it takes, and what it works."""

import os
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.support.deployment import Deployment
from tests.support.guardian import processes_in

_NAMES = {
    r"gunicorn": "gateway",
    r"deploy\.gateway_metrics": "gateway-metrics",
    r"deploy\.serve_jobs (\S+)": r"{}-jobs",
    r"deploy\.serve_calls (\S+)": r"{}",
    r"deploy\.cli up": "embedded",
}


def memory_mb(deployment: Deployment) -> dict[str, float]:
    """Resident memory (MB) of the largest process of each name, libraries that others share included."""
    return {name: max(sizes) for name, sizes in _each(deployment, _resident_mb).items()}


def cpu_seconds(deployment: Deployment) -> dict[str, float]:
    """What the processes of each name have worked so far."""
    return {name: sum(spent) for name, spent in _each(deployment, _cpu_seconds).items()}


def _each(deployment: Deployment, measure: Callable[[int], float]) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for process in processes_in(str(deployment.folder)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it may have ended meanwhile
            found[_name(process)].append(measure(process))
    return dict(found)


def _name(process: int) -> str:
    command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    for pattern, name in _NAMES.items():
        if match := re.search(pattern, command):
            return name.format(*match.groups())
    return command.strip()[:40] or str(process)


def _resident_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
