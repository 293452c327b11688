"""Blocking work: bounded, timed, and off the event loop under each scheduler."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from shared import blocking
from shared.blocking import run_blocking
from shared.contracts.errors import Refusal
from shared.observability import trace
from tests.support.waiting import wait_until

WAIT_SECONDS = 10.0


@contextmanager
def occupied(places: int) -> Iterator[None]:
    """While the block runs, so many pieces of work run or wait."""
    begun: list[int] = []
    finish = threading.Event()

    def work() -> bool:
        begun.append(1)
        return finish.wait(WAIT_SECONDS)

    before = len(blocking._Work._places)
    with ThreadPoolExecutor(places) as callers:
        held: list[Future[bool]] = [callers.submit(run_blocking, work) for _ in range(places)]
        try:
            wait_until(lambda: before - len(blocking._Work._places) == places, WAIT_SECONDS, "the places")
            wait_until(lambda: len(begun) == min(places, blocking.WORKERS), WAIT_SECONDS, "the work")
            yield
        finally:
            finish.set()
        assert all(future.result() for future in held)


def test_results_and_errors_come_back() -> None:
    assert run_blocking(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        run_blocking(divmod, 7, 0)
    with pytest.raises(TimeoutError, match="its own"):
        run_blocking(_time_out)


def _time_out() -> None:
    raise TimeoutError("its own")


def test_work_stays_in_its_callers_trace() -> None:
    with trace.continued("") as trace_id:
        assert run_blocking(trace.trace_id) == trace_id


def test_one_too_many_is_refused_at_once_and_room_comes_back() -> None:
    everything = blocking.WORKERS + blocking.MAX_WAITING
    with occupied(everything), pytest.raises(Refusal) as refused:
        run_blocking(int)
    assert refused.value.slug == "service-unavailable"
    with occupied(everything):
        pass
    assert run_blocking(int) == 0


def test_work_that_takes_too_long_is_given_up_and_its_place_comes_back() -> None:
    finish = threading.Event()
    before = len(blocking._Work._places)
    with pytest.raises(Refusal):
        run_blocking(finish.wait, WAIT_SECONDS, timeout_seconds=0.01)
    # It runs still: its place is taken until it ends.
    assert len(blocking._Work._places) == before - 1
    finish.set()
    wait_until(lambda: len(blocking._Work._places) == before, WAIT_SECONDS, "the place")


def test_work_that_waited_too_long_is_never_begun() -> None:
    begun: list[int] = []
    with occupied(blocking.WORKERS):
        before = len(blocking._Work._places)
        with pytest.raises(Refusal):
            run_blocking(begun.append, 1, timeout_seconds=0.01)
        assert len(blocking._Work._places) == before
    run_blocking(int)
    assert begun == []


UNDER_A_LOOP = """
import hashlib, threading, time
from shared import blocking
from shared.blocking import run_blocking
from shared.contracts.errors import Refusal

ticks = []

def tick(done):
    while not done:
        time.sleep(0.01)
        ticks.append(1)

def hash_until(enough, seconds):
    "Blocking work without a break; says whether the clock ticked meanwhile."
    end = time.perf_counter() + seconds
    while not enough() and time.perf_counter() < end:
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 50_000)
    return enough()

def ticked_during(work):
    ticks.clear()
    done = []
    ticking = threading.Thread(target=tick, args=(done,))
    ticking.start()
    try:
        return work(lambda: len(ticks) >= 5)
    finally:
        done.append(True)
        ticking.join()

assert not ticked_during(lambda enough: hash_until(enough, 0.3)), "on the loop, nothing else runs"
assert ticked_during(lambda enough: run_blocking(hash_until, enough, 5))

try:
    run_blocking(int, "x")
except ValueError:
    pass
else:
    raise AssertionError("the error was lost")

places = blocking._Work._places
everything = len(places)
results = []
def ask():
    try:
        results.append(run_blocking(hash_until, lambda: False, 0.2, timeout_seconds=0.1))
    except Refusal as refusal:
        results.append(refusal.slug)
asking = [threading.Thread(target=ask) for _ in range(everything + 3)]
for thread in asking:
    thread.start()
for thread in asking:
    thread.join()
assert results == ["service-unavailable"] * (everything + 3), results
end = time.perf_counter() + 10
while len(places) < everything and time.perf_counter() < end:
    time.sleep(0.01)
assert len(places) == everything, len(places)
assert run_blocking(hash_until, lambda: True, 5)
"""
EVENTLET = """
import eventlet
eventlet.monkey_patch()
from shared.messaging.blocking_eventlet import install_eventlet
install_eventlet()
"""
GEVENT = """
from gevent import monkey
monkey.patch_all()
from shared.messaging.blocking_gevent import install_gevent
install_gevent()
"""


@pytest.mark.parametrize("patch", [EVENTLET, GEVENT], ids=["eventlet", "gevent"])
def test_the_loop_goes_on_meanwhile(patch: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", patch + UNDER_A_LOOP], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
