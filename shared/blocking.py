"""Work that would stop an event loop (hashing passwords, drawing charts), off it and in bounded numbers.

A process on plain threads uses real threads as it is. The main of one that eventlet or gevent has patched
installs another executor first, since its threads are none (`shared/messaging/blocking_eventlet.py`,
`blocking_gevent.py`).
"""

import contextvars
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, ClassVar, TypeVar

from shared.contracts.errors import Refusal
from shared.observability.logs import get_logger

WORKERS = 4
"""How many pieces of work run at once."""

MAX_WAITING = 32
"""How many more may wait for their turn; one beyond is refused at once."""

TIMEOUT_SECONDS = 10.0

Result = TypeVar("Result")
Executor = Callable[[Callable[[], Any], float], Any]
"""Returns or raises what the function does, run in one of `WORKERS` real threads while the loop goes on.

Raises TookTooLong when so many seconds have passed.
"""

log = get_logger(__name__)


class TookTooLong(Exception):
    """Work has not ended in its time."""


def run_blocking(
    function: Callable[..., Result], *args: Any, timeout_seconds: float = TIMEOUT_SECONDS
) -> Result:
    """What `function(*args)` returns or raises, worked out while the rest of this process goes on.

    Raises Refusal `service-unavailable` where too much waits already or the time is over; work that has
    begun by then goes on to its end, for nobody.
    """
    work = _Work(function, args)
    try:
        result: Result = _executor[0](work, timeout_seconds)
    except TookTooLong:
        work.abandon()
        log.warning("blocking_work_too_long", work=work.name, timeout_seconds=timeout_seconds)
        raise Refusal("service-unavailable", service=work.name) from None
    return result


def install(executor: Executor) -> None:
    """Use another executor from now on; for the main of a process whose threads are not real ones."""
    _executor[0] = executor


class _Work:
    """One piece of work, and the place that it takes from its admission until it ends or is given up unbegun.

    Places and claims are deques: their append and pop are atomic between real threads and green ones alike,
    while a lock that was patched works between green ones only.
    """

    _places: ClassVar[deque[None]] = deque([None] * (WORKERS + MAX_WAITING))

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.name = getattr(function, "__qualname__", repr(function))
        self._function = function
        self._args = args
        self._context = contextvars.copy_context()
        self._claim: deque[None] = deque([None])
        if not _taken(self._places):
            log.warning("blocking_work_refused", work=self.name, waiting=MAX_WAITING)
            raise Refusal("service-unavailable", service=self.name)

    def __call__(self) -> Any:
        if not _taken(self._claim):
            return None
        try:
            return self._context.run(self._function, *self._args)
        finally:
            self._places.append(None)

    def abandon(self) -> None:
        """Give the place back, unless the work has begun: then it does that itself at its end."""
        if _taken(self._claim):
            self._places.append(None)


def _taken(tokens: deque[None]) -> bool:
    try:
        tokens.pop()
    except IndexError:
        return False
    return True


def _in_threads(function: Callable[[], Any], timeout_seconds: float) -> Any:
    future = _threads.submit(function)
    if not wait([future], timeout_seconds).done:
        future.cancel()
        raise TookTooLong
    return future.result()


_threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="blocking")
_executor: list[Executor] = [_in_threads]
