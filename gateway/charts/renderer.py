"""Drawing charts away from the request loop.

The drawing library holds the interpreter's lock for the 40 ms that a chart takes (measured), so that
neither a thread nor gevent's own pool would let other requests go on: charts are drawn by one child
process, started when the first chart is wanted. Plain blocking pipes talk to it, which work alike in
threads and under gevent.
"""

import hashlib
import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.charts import worker
from gateway.charts.worker import read, write
from shared.observability.logs import get_logger

CACHE_SIZE = 500
WAITING_LIMIT = 8
"""How many pages may wait for charts; further ones are shown with their tables alone."""
TIMEOUT_SECONDS = 15.0
"""The child's first chart takes a second on a quiet machine."""

log = get_logger(__name__)

Spec = Mapping[str, Any]


class ChartsUnavailable(Exception):
    """Charts cannot be drawn at the moment; the figures can still be shown."""


class ChartRenderer:
    """Draws charts and remembers them by their specification."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-I", worker.__file__)) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING_LIMIT)
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def draw(self, specs: Sequence[Spec]) -> list[str]:
        """The charts as SVG. Raises ChartsUnavailable."""
        keys = [hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).digest() for spec in specs]
        with self._lock:
            charts = {key: self._known[key] for key in keys if key in self._known}
        missing = {key: spec for key, spec in zip(keys, specs, strict=True) if key not in charts}
        if missing:
            charts.update(zip(missing, self._draw_new(list(missing.values())), strict=True))
        with self._lock:
            for key in keys:
                self._known[key] = charts[key]
                self._known.move_to_end(key)
            while len(self._known) > CACHE_SIZE:
                self._known.popitem(last=False)
        return [charts[key] for key in keys]

    def close(self) -> None:
        """End the child process."""
        with self._turn:
            self._end()

    def _draw_new(self, specs: list[Spec]) -> list[str]:
        if not self._waiting.acquire(blocking=False):
            raise ChartsUnavailable("too many are waiting")
        try:
            with self._turn:
                answer = self._exchange(json.dumps(specs).encode())
        finally:
            self._waiting.release()
        if isinstance(answer, dict):
            log.error("chart_failed", error=answer["error"])
            raise ChartsUnavailable(answer["error"])
        return answer

    def _exchange(self, message: bytes) -> Any:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        # A child that hangs is ended, and with it the reading below.
        watchdog = threading.Timer(TIMEOUT_SECONDS, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            write(process.stdin, message)
            answer = read(process.stdout)
        except OSError as error:
            self._end()
            raise ChartsUnavailable("the drawing process has ended") from error
        finally:
            watchdog.cancel()
        if answer is None:
            self._end()
            raise ChartsUnavailable("the drawing process has ended")
        return json.loads(answer)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl-C in a terminal is for us; the child ends when its input does.
                start_new_session=True,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError as error:
                    log.debug("chart_pipe_closed", error=str(error))
        process.wait()
