"""Where calls wait for the writer."""

import threading

from services.ledger.writer.calls import Item, PendingCall
from services.ledger.writer.intake import DIVIDED_FROM, LARGE_CALL, Intake
from tests.support.ledger import OPERATOR_PRINCIPAL, issue


def _call(size: int) -> PendingCall:
    command = issue("", 1)
    items = [Item(position, command, OPERATOR_PRINCIPAL, 0) for position in range(size)]
    return PendingCall(items, [None] * size)


def test_small_calls_go_before_large_ones_each_kind_in_its_order() -> None:
    intake = Intake(max_commands=1_000, max_small=150)
    first, second = _call(LARGE_CALL), _call(LARGE_CALL)
    third, fourth = _call(1), _call(1)
    for call in (first, third, second, fourth):
        assert intake.put(call)
    assert intake.take() == [third, fourth, first, second]


def test_a_batch_has_a_size_and_calls_stay_whole() -> None:
    intake = Intake(max_commands=250, max_small=150)
    calls = [_call(LARGE_CALL) for _ in range(5)]
    for call in calls:
        intake.put(call)
    assert [intake.take(), intake.take(), intake.take()] == [calls[:2], calls[2:4], calls[4:]]
    huge = _call(900)
    intake.put(huge)
    assert intake.take() == [huge]


def test_a_call_is_withdrawn_until_it_is_taken() -> None:
    intake = Intake(max_commands=10, max_small=150)
    waiting, taken = _call(1), _call(1)
    intake.put(taken)
    intake.take()
    intake.put(waiting)
    assert not intake.withdraw(taken)
    assert intake.withdraw(waiting)
    assert intake.close() == []


def test_once_closed_nothing_is_taken_any_more() -> None:
    intake = Intake(max_commands=10, max_small=150)
    waiting = _call(1)
    intake.put(waiting)
    assert intake.close() == [waiting]
    assert not intake.put(_call(1))
    assert intake.take() == []


def test_half_of_many_small_calls_may_be_taken_first() -> None:
    intake = Intake(max_commands=1_000, max_small=150)
    calls = [_call(1) for _ in range(DIVIDED_FROM)]
    large = _call(LARGE_CALL)
    for call in (large, *calls):
        intake.put(call)
    half = DIVIDED_FROM // 2
    assert intake.take(part=True) == calls[:half]
    assert intake.take() == [*calls[half:], large]
    assert intake.take() == []


def test_few_calls_are_not_divided() -> None:
    intake = Intake(max_commands=1_000, max_small=150)
    calls = [_call(1) for _ in range(DIVIDED_FROM - 1)]
    for call in calls:
        intake.put(call)
    assert intake.take(part=True) == calls


def test_small_calls_fill_no_more_than_their_share() -> None:
    intake = Intake(max_commands=1_000, max_small=50)
    calls, large = [_call(20) for _ in range(5)], _call(LARGE_CALL)
    for call in (large, *calls):
        intake.put(call)
    assert intake.take(part=True) == calls[:2]
    assert intake.take() == [*calls[2:4], large]
    assert intake.take() == calls[4:]


def test_who_waits_gets_what_comes_and_else_nothing() -> None:
    intake = Intake(max_commands=10, max_small=150)
    assert intake.take(seconds=0.01) == []
    call = _call(1)
    waiting: list[list[PendingCall]] = []
    thread = threading.Thread(target=lambda: waiting.append(intake.take(seconds=30)))
    thread.start()
    intake.put(call)
    thread.join(30)
    assert waiting == [[call]]
