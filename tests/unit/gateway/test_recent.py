"""Answers kept for a moment."""

import threading

import pytest

from gateway.recent import Recent
from shared.contracts.errors import Refusal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_kept_for_its_time_and_no_longer() -> None:
    clock, made = Clock(), iter(range(10))
    recent = Recent(clock=clock)
    assert recent.get("key", 2.0, lambda: next(made)) == 0
    clock.now += 1.9
    assert recent.get("key", 2.0, lambda: next(made)) == 0
    clock.now += 0.2
    assert recent.get("key", 2.0, lambda: next(made)) == 1


def test_a_refusal_is_raised_and_not_kept() -> None:
    recent = Recent()

    def refuse() -> None:
        raise Refusal("not-found")

    with pytest.raises(Refusal):
        recent.get("key", 60, refuse)
    assert recent.get("key", 60, lambda: "answer") == "answer"


def test_those_who_ask_at_the_same_time_share_one_answer() -> None:
    recent, asked, go = Recent(), [], threading.Event()
    answers: list[str] = []

    def slow() -> str:
        asked.append(1)
        go.wait(10)
        return "answer"

    threads = [threading.Thread(target=lambda: answers.append(recent.get("key", 60, slow))) for _ in range(8)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert answers == ["answer"] * 8
    assert len(asked) == 1


def test_only_so_many_answers_are_kept() -> None:
    recent = Recent(limit=2)
    for key in "abc":
        recent.get(key, 60, lambda: "old")
    assert recent.get("c", 60, lambda: "new") == "old"
    assert recent.get("a", 60, lambda: "new") == "new"
