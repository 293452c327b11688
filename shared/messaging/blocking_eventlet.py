"""`run_blocking` in a process that eventlet has patched: eventlet's pool of real threads."""

from collections.abc import Callable
from typing import Any

import eventlet
from eventlet import tpool

from shared import blocking


def install_eventlet() -> None:
    """Let `run_blocking` leave the event loop; to be called by the process's main, after patching."""
    tpool.set_num_threads(blocking.WORKERS)
    blocking.install(_in_tpool)


def _in_tpool(function: Callable[[], Any], timeout_seconds: float) -> Any:
    with eventlet.Timeout(timeout_seconds, blocking.TookTooLong):
        return tpool.execute(function)
