"""Consumers of journals inside one process: a bounded queue in memory and a thread for each.

Nothing depends on a batch: a consumer that misses one sees the gap, or finds it by itself, and pulls. So the
oldest batches are dropped when the queue is full, and nothing is kept on disk.
"""

import threading
from collections import deque
from typing import Any

from shared.contracts import journal
from shared.messaging.service import JournalHandler
from shared.observability.logs import get_logger
from shared.observability.metrics import CONSUMER_DURATION, CONSUMER_MESSAGES, timed

MAX_BATCHES = 100

log = get_logger(__name__)


class JournalConsumer:
    """The consumer of one service's journal, all partitions, by one other service."""

    def __init__(self, queue: str, handler: JournalHandler, resources: Any) -> None:
        self.queue = queue
        self._handler = handler
        self._resources = resources
        self._batches: deque[bytes] = deque(maxlen=MAX_BATCHES)
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=queue, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, body: bytes) -> None:
        """Queue an encoded batch; the oldest goes where it is one too many."""
        with self._changed:
            dropped = len(self._batches) == MAX_BATCHES
            self._batches.append(body)
            self._changed.notify()
        if dropped:
            CONSUMER_MESSAGES.labels(queue=self.queue, outcome="dropped").inc()

    def ask_to_stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, timeout_seconds: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._batches or self._stopping)
                if self._stopping:
                    return
                body = self._batches.popleft()
            self._handle(body)

    def _handle(self, body: bytes) -> None:
        with timed(CONSUMER_DURATION, queue=self.queue) as outcome:
            try:
                self._handler(self._resources, journal.decode_batch(body))
            except Exception:
                outcome.set("failed")
                log.exception("journal_batch_failed", queue=self.queue)
        CONSUMER_MESSAGES.labels(queue=self.queue, outcome=outcome.value).inc()
