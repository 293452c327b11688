"""Starts again what ends, as whatever runs an installation does."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable

from tests.support.deployment import Deployment

LOOK_SECONDS = 0.1
PAUSE_SECONDS = 0.5


class Supervisor:
    """Watches processes of an installation from `start` to `stop`. `exits` counts their exit codes."""

    def __init__(self, deployment: Deployment, processes: Iterable[str]) -> None:
        self._deployment = deployment
        self._lock = threading.Lock()
        self._watched = set(processes)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self.exits: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look after nothing any more."""
        self._stopping.set()
        self._thread.join()

    def watch(self, process: str) -> None:
        with self._lock:
            self._watched.add(process)

    def leave(self, process: str) -> None:
        """From now on a process that ends stays so."""
        with self._lock:
            self._watched.discard(process)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                ended = [process for process in self._watched if self._deployment.has_ended(process)]
                for process in ended:
                    self.exits[process][self._deployment.exit_code(process) or 0] += 1
                    self._deployment.start(process)
            if ended:
                self._stopping.wait(PAUSE_SECONDS)
