"""The processes of an installation: what each is called, and the memory that it takes."""

import re
from collections import defaultdict
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
    found: defaultdict[str, float] = defaultdict(float)
    for process in processes_in(str(deployment.folder)):
        try:
            name = _name(process)
            found[name] = max(found[name], _resident_mb(process))
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
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
