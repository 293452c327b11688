"""`run_blocking` in a process that gevent has patched: real threads, beside gevent's own for names."""

from collections.abc import Callable
from typing import Any

import gevent
from gevent.threadpool import ThreadPool

from shared import blocking


def install_gevent() -> None:
    """Let `run_blocking` leave the event loop; to be called by the process that serves, after its fork."""
    pool = ThreadPool(blocking.WORKERS)

    def in_pool(function: Callable[[], Any], timeout_seconds: float) -> Any:
        # Handing over waits too, for a free thread.
        with gevent.Timeout(timeout_seconds, blocking.TookTooLong):
            return pool.spawn(function).get()

    blocking.install(in_pool)
