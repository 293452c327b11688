"""Answers that many readers ask for at once, kept for a moment so that one call serves them all."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

LIMIT = 2_000


class _Kept:
    """What a function answers for a key, since `made_at`. Once `done`, it is `answer`; waiting for it costs
    far more than looking.
    """

    __slots__ = ("answer", "done", "future", "made_at")

    def __init__(self, made_at: float) -> None:
        self.made_at = made_at
        self.future: Future[Any] = Future()
        self.done = False
        self.answer: Any = None


class Recent:
    """Remembers what a function answered for some seconds. Whoever asks while it runs waits for the same
    answer.

    A key must name all that the answer depends on, and who may see it.
    """

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, seconds: float, make: Callable[[], Any]) -> Any:
        """What `make` answered for `key` at most `seconds` ago. What it raises is not kept."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.done and kept.made_at + seconds > self._clock():
                return kept.answer
            makes = kept is None or kept.done
            if kept is None or makes:
                kept = self._kept[key] = _Kept(self._clock())
                self._kept.move_to_end(key)
                while len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
        return self._made(key, kept, make) if makes else kept.future.result()

    def forget(self, key: Hashable) -> None:
        """Drop what is kept for a key."""
        with self._lock:
            self._kept.pop(key, None)

    def _made(self, key: Hashable, kept: _Kept, make: Callable[[], Any]) -> Any:
        try:
            kept.answer = make()
        except BaseException as error:
            with self._lock:
                if self._kept.get(key) is kept:
                    del self._kept[key]
            kept.future.set_exception(error)
            raise
        kept.done = True
        kept.future.set_result(kept.answer)
        return kept.answer
