"""The clock of this process set back, so that what takes days has happened before a test."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

DAY_NS = 86_400 * 10**9


class Travel:
    """How far the present is behind the real one. Tokens, which go by another clock, stay good."""

    def __init__(self) -> None:
        self._real_ns = time.time_ns
        self._back_ns = 0

    def now_ns(self) -> int:
        return self._real_ns() - self._back_ns

    @contextmanager
    def days_ago(self, days: float) -> Iterator[None]:
        """The present is so many days ago while the block runs; from the next block on, and after the last,
        it may only be later.
        """
        before, self._back_ns = self._back_ns, int(days * DAY_NS)
        try:
            yield
        finally:
            self._back_ns = before
