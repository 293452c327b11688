"""Waiting for a condition with a deadline: the only way in which tests wait."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], Value], timeout_seconds: float, what: str) -> Value:
    """Call `condition` until it answers something true, and return that.

    `what` completes the sentence "Waited 5.0 s for ...". A condition that cannot be judged yet may raise
    AssertionError or OSError (nothing listens yet, a file is missing): that counts as "not yet".
    Raises TimeoutError with the last answer or error once `timeout_seconds` have passed.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        error: BaseException | None = None
        try:
            answer = condition()
            if answer:
                return answer
            last = repr(answer)
        except (AssertionError, OSError) as caught:
            error = caught
            last = f"{type(caught).__name__}: {caught}"
        if time.monotonic() >= deadline:
            raise TimeoutError(
                f"Waited {timeout_seconds:.1f} s for {what}; last seen: {last[:2000]}"
            ) from error
        time.sleep(POLL_SECONDS)
