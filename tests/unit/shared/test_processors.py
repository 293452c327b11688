"""Keeping a process to one processor, and letting go what works beside it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared import processors

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) == 1,
    reason="there is no choice of processors here",
)

Run = Callable[[Callable[[], Any]], Any]
CHILD = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs functions in a thread of their own, one after the other: what it chooses is not ours to keep."""
    monkeypatch.setattr(processors, "_given", None)
    with ThreadPoolExecutor(1) as thread:
        yield lambda function: thread.submit(function).result()


def may_use() -> Set[int]:
    return os.sched_getaffinity(0)


def may_use_in_another_thread() -> Set[int]:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(may_use).result()


def child_may_use() -> int:
    return int(subprocess.run(CHILD, capture_output=True, check=True).stdout)


def test_a_thread_and_those_it_starts_keep_to_one(run: Run) -> None:
    given = run(may_use)
    run(processors.keep_to_one)
    kept = run(may_use)
    assert len(kept) == 1
    assert kept < given
    assert run(may_use_in_another_thread) == kept
    assert run(child_may_use) == 1


def test_children_and_threads_of_other_work_use_all_that_was_given(run: Run) -> None:
    given = run(may_use)
    run(processors.keep_to_one)
    kept = run(may_use)

    def child_within() -> int:
        with processors.children_use_all():
            return child_may_use()

    assert run(child_within) == len(given)
    assert run(may_use) == kept
    run(processors.use_all)
    assert run(may_use) == given


def test_what_was_chosen_by_the_operator_is_kept(run: Run) -> None:
    chosen = {max(run(may_use))}
    run(lambda: os.sched_setaffinity(0, chosen))
    run(processors.keep_to_one)
    run(processors.use_all)
    assert run(may_use) == chosen


def test_where_a_process_cannot_choose_all_stays_as_it_was(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_process: int, _processors: Set[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    given = run(may_use)
    monkeypatch.setattr(os, "sched_setaffinity", refused)
    run(processors.keep_to_one)
    run(processors.use_all)
    monkeypatch.delattr(os, "sched_setaffinity")
    run(processors.keep_to_one)
    with processors.children_use_all():
        assert run(may_use) == given
