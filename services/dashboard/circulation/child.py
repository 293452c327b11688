"""The process that works out the figures of closed periods: started when there is something to do, watched
without waiting for it.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from services.dashboard.circulation import work
from services.dashboard.metrics import CIRCULATION_RUNS, CIRCULATION_SECONDS
from services.dashboard.projection import positions
from shared.contracts import clock
from shared.db.engine import Database

REST_SECONDS = 60.0
"""While records keep coming in, closed periods are worked out no more often than this."""
LONGEST_SECONDS = 1_800.0
COMMAND = (sys.executable, "-m", work.__name__)


class WorkFailed(Exception):
    """The process ended with a fault; what it had not stored is worked out by the next one."""


class Child:
    """At most one process at a time. `step` is the job; `close` ends the process."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        # As if one had just run: while a log is being imported there is little use in its first half.
        self._started_at = time.monotonic()
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._done: tuple[int, ...] = ()

    def step(self, database: Database, partitions: Sequence[int]) -> bool:
        """Look after the process that runs, or start one where figures are missing. Raises WorkFailed."""
        with self._lock:
            if self._process is not None:
                self._look_after(self._process)
                return False
            now_us = clock.now_us()
            state = self._state(database, partitions, now_us)
            moving, self._seen = state != self._seen, state
            rested = time.monotonic() - self._started_at >= REST_SECONDS
            if state == self._done or (moving and not rested):
                return False
            with database.read() as connection:
                due = work.is_due(connection, now_us)
            if due:
                self._start(database.url)
            else:
                self._done = state
            return False

    def close(self) -> None:
        """End the process, if one runs; nothing that it had not stored is kept."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._forget(self._process)

    def _state(self, database: Database, partitions: Sequence[int], now_us: int) -> tuple[int, ...]:
        """Changes whenever there may be something new to do."""
        with database.read() as connection:
            known = [positions.load(connection, partition) for partition in partitions]
        parts = [part for each in known for part in (each.position.sequence, each.generation)]
        return (now_us // (86_400 * clock.MICROSECONDS), *parts)

    def _start(self, url: str) -> None:
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            # Ctrl-C in a terminal is for us; the child ends when its input does.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(url.encode() + b"\n")
        self._process.stdin.flush()

    def _look_after(self, process: "subprocess.Popen[bytes]") -> None:
        seconds = time.monotonic() - self._started_at
        if process.poll() is None:
            if seconds < LONGEST_SECONDS:
                return
            process.kill()
        code = self._forget(process)
        CIRCULATION_SECONDS.set(seconds)
        CIRCULATION_RUNS.labels(outcome="failed" if code else "done").inc()
        if code:
            raise WorkFailed(f"exit code {code} after {seconds:.0f} s")

    def _forget(self, process: "subprocess.Popen[bytes]") -> int:
        self._process = None
        assert process.stdin is not None
        process.stdin.close()
        return process.wait()
