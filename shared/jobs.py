"""Periodic work of a service: small steps that are repeated, each in a thread of its own, until asked to
stop.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.observability.logs import get_logger

FIRST_BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 10.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """`step()` does a bounded piece of work and says whether more is waiting; else it rests
    `every_seconds`.
    """

    name: str
    every_seconds: float
    step: Callable[[], bool]


class JobRunner:
    """Runs jobs in threads; a step that raises is logged and tried again after a growing pause."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(job,), name=job.name, daemon=True) for job in jobs
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Ask every job to end after its present step, and wait."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _run(self, job: Job) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while not self._stopping.is_set():
            try:
                pause = 0.0 if job.step() else job.every_seconds
                backoff = FIRST_BACKOFF_SECONDS
            except Exception:
                log.exception("job_failed", job=job.name, retry_seconds=backoff)
                pause = backoff * random.uniform(0.8, 1.2)
                backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)
            if pause:
                self._stopping.wait(pause)
