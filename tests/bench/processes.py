"""The processes of an installation: what each is called, the memory that it takes, and what it works; and
processes that are asked questions.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.support.deployment import PROJECT, Deployment
from tests.support.guardian import processes_in

_NAMES = {
    r"gunicorn": "gateway",
    r"deploy\.gateway_metrics": "gateway-metrics",
    r"deploy\.serve_jobs (\S+)": r"{}-jobs",
    r"deploy\.serve_calls (\S+)": r"{}",
    r"deploy\.cli up": "embedded",
}


class AskedProcess:
    """A module of ours in a process of its own that answers questions, a line of JSON each; `ask` waits for
    the answer, and raises RuntimeError where the process ends instead.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process ended with exit code {self._process.wait()} at {question}")
        return dict(json.loads(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.ask(do="close")
        self._process.kill()
        self._process.communicate()


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
