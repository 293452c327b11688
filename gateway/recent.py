"""Answers that many readers ask for at once, kept for a moment so that one call serves them all."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

LIMIT = 2_000


class Recent:
    """Remembers what a function answered for some seconds. Whoever asks while it runs waits for the same
    answer.

    A key must name all that the answer depends on, and who may see it.
    """

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Future[Any]]] = OrderedDict()

    def get(self, key: Hashable, seconds: float, make: Callable[[], Any]) -> Any:
        """What `make` answered for `key` at most `seconds` ago. What it raises is not kept."""
        with self._lock:
            made_at, future = self._kept.get(key, (0.0, None))
            fresh = future is not None and (not future.done() or made_at + seconds > self._clock())
            if not fresh:
                future = Future()
                self._kept[key] = (self._clock(), future)
                self._kept.move_to_end(key)
                while len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
        assert future is not None
        if fresh:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as error:
            with self._lock:
                if self._kept.get(key, (0.0, None))[1] is future:
                    del self._kept[key]
            future.set_exception(error)
            raise
        return future.result()

    def forget(self, key: Hashable) -> None:
        """Drop what is kept for a key."""
        with self._lock:
            self._kept.pop(key, None)
