"""The coalescing writer, over the in-process bus and a writer that tells what it was asked."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.auth.tokens import Verifier
from shared.contracts import clock, ids
from shared.contracts.commands import (
    WRITER_BATCH_LIMIT,
    Command,
    Outcome,
    SentOutcome,
    Transfer,
    WriteCall,
)
from shared.contracts.errors import Refusal
from shared.contracts.ledger import writer_service
from shared.messaging.coalescing import CALLS_IN_FLIGHT, CoalescingWriter
from shared.messaging.dispatch import Dispatcher
from shared.messaging.inprocess.routes import InProcessClient, Routes
from shared.messaging.service import Call, Request, Service
from tests.support.waiting import wait_until

WAIT_SECONDS = 10.0
TOKEN = "token of somebody"


class Writer:
    """Answers each command with its id and its token; can be held at a gate before it decides."""

    def __init__(self) -> None:
        self.calls: list[WriteCall] = []
        self.open = threading.Event()
        self.open.set()
        self.in_hand = 0
        self.most_in_hand = 0
        self.answer: Callable[[WriteCall], Any] = self.views
        self._lock = threading.Lock()

    def decide(self, _: Any, request: Request) -> Any:
        call = msgspec.convert(request.arguments, WriteCall)
        with self._lock:
            self.calls.append(call)
            self.in_hand += 1
            self.most_in_hand = max(self.most_in_hand, self.in_hand)
        assert self.open.wait(WAIT_SECONDS)
        with self._lock:
            self.in_hand -= 1
        return self.answer(call)

    @staticmethod
    def views(call: WriteCall) -> Any:
        outcomes = [
            Outcome(view={"id": item.command.id, "token": call.tokens[item.token]}) for item in call.items
        ]
        return {"outcomes": msgspec.to_builtins(outcomes)}

    @property
    def decided(self) -> list[str]:
        return [item.command.id for call in self.calls for item in call.items]


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer()
    yield made
    made.open.set()


@pytest.fixture
def coalescing(writer: Writer) -> Iterator[CoalescingWriter]:
    made = coalescing_over(writer)
    yield made
    made.close()


def coalescing_over(writer: Writer, partition: int = 0) -> CoalescingWriter:
    name = writer_service(partition)
    service = Service(name, calls={"decide": Call(writer.decide, None, open_to_all=True)})
    routes = Routes()
    routes.add(Dispatcher(service, None, Verifier(name, {})))
    return CoalescingWriter(InProcessClient(routes), partition)


def transfer(**changes: Any) -> Transfer:
    given_fields: dict[str, Any] = {"id": ids.new_id(), "kind": "payment", "currency": "PUMA", "amount": 1}
    return Transfer(**given_fields | changes)


def soon(seconds: float = WAIT_SECONDS) -> int:
    return clock.deadline(seconds)


def occupy(
    writer: Writer, coalescing: CoalescingWriter, callers: ThreadPoolExecutor
) -> list["Future[SentOutcome]"]:
    """Keep every sender waiting for the writer, whose gate is closed."""
    busy = []
    for number in range(1, CALLS_IN_FLIGHT + 1):
        busy.append(callers.submit(coalescing.submit, transfer(), TOKEN, soon()))
        wait_until(lambda number=number: writer.in_hand == number, WAIT_SECONDS, "a sender")  # type: ignore[misc]
    return busy


def submit_many(
    coalescing: CoalescingWriter, commands: Sequence[Command], not_after: int, token: str = TOKEN
) -> list[SentOutcome]:
    """The outcomes of commands that are sent in as few chunks as they can."""
    chunks = [
        commands[start : start + WRITER_BATCH_LIMIT] for start in range(0, len(commands), WRITER_BATCH_LIMIT)
    ]
    decided = list(coalescing.submit_many(chunks, token, not_after))
    assert [len(outcomes) for outcomes in decided] == [len(chunk) for chunk in chunks]
    return [outcome for outcomes in decided for outcome in outcomes]


def view_of(outcome: SentOutcome) -> dict[str, Any]:
    assert outcome.refusal is None
    view: dict[str, Any] = msgspec.json.decode(outcome.view)
    return view


def refusal_of(outcome: SentOutcome) -> Refusal:
    assert outcome.refusal is not None
    return Refusal.from_wire(outcome.refusal)


def test_a_lone_command_travels_as_it_was_given(writer: Writer, coalescing: CoalescingWriter) -> None:
    command, not_after = transfer(memo="for the maïs"), soon()
    outcome = coalescing.submit(command, TOKEN, not_after)
    assert view_of(outcome) == {"id": command.id, "token": TOKEN}
    [call] = writer.calls
    assert call.items[0].command == command
    assert call.not_after == not_after


def test_what_waits_together_shares_a_call_and_its_tokens(
    writer: Writer, coalescing: CoalescingWriter
) -> None:
    writer.open.clear()
    commands = [transfer() for _ in range(100)]
    deadlines = [soon(WAIT_SECONDS + number / 10) for number in range(100)]

    def submit(number: int) -> SentOutcome:
        return coalescing.submit(commands[number], f"token {number % 2}", deadlines[number])

    with ThreadPoolExecutor(100 + CALLS_IN_FLIGHT) as callers:
        occupy(writer, coalescing, callers)
        waiting = [callers.submit(submit, number) for number in range(100)]
        wait_until(lambda: len(coalescing._singles) == 100, WAIT_SECONDS, "all to wait")
        writer.open.set()
        outcomes = [future.result() for future in waiting]
    for number, outcome in enumerate(outcomes):
        assert view_of(outcome) == {"id": commands[number].id, "token": f"token {number % 2}"}
    [shared] = [call for call in writer.calls if len(call.items) > 1]
    assert len(shared.items) == 100
    assert sorted(shared.tokens) == ["token 0", "token 1"]
    assert shared.not_after == max(deadlines)


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 2 * WRITER_BATCH_LIMIT + 1), min_size=1, max_size=3),
    singles=st.integers(0, 30),
)
def test_every_submitter_gets_its_own_outcomes_in_its_order(sizes: list[int], singles: int) -> None:
    writer = Writer()
    coalescing = coalescing_over(writer)
    uploads: list[list[Command]] = [[transfer() for _ in range(size)] for size in sizes]

    def upload(number: int) -> list[SentOutcome]:
        return submit_many(coalescing, uploads[number], soon(), f"upload {number}")

    def one(number: int) -> SentOutcome:
        return coalescing.submit(transfer(memo=str(number)), f"single {number}", soon())

    with ThreadPoolExecutor(8) as callers:
        many = [callers.submit(upload, number) for number in range(len(sizes))]
        lone = [callers.submit(one, number) for number in range(singles)]
        answers = [future.result() for future in many]
        for number, future in enumerate(lone):
            assert view_of(future.result())["token"] == f"single {number}"
    coalescing.close()
    order = {command_id: place for place, command_id in enumerate(writer.decided)}
    for number, commands in enumerate(uploads):
        assert [view_of(outcome) for outcome in answers[number]] == [
            {"id": command.id, "token": f"upload {number}"} for command in commands
        ]
        places = [order[command.id] for command in commands]
        assert places == sorted(places)
    assert writer.most_in_hand <= CALLS_IN_FLIGHT
    assert max(len(call.items) for call in writer.calls) <= WRITER_BATCH_LIMIT


def test_the_next_chunk_is_made_while_one_is_decided(writer: Writer, coalescing: CoalescingWriter) -> None:
    made: list[Command] = []

    def chunks() -> Iterator[Sequence[Command]]:
        for _ in range(4):
            made.append(transfer())
            yield made[-1:]
        yield ()

    writer.open.clear()
    with ThreadPoolExecutor(1) as callers:
        uploading = callers.submit(lambda: list(coalescing.submit_many(chunks(), TOKEN, soon())))
        wait_until(lambda: len(made) == 2, WAIT_SECONDS, "the chunk behind the first")
        assert writer.in_hand <= 1
        writer.open.set()
        told = uploading.result()
    assert [[view_of(outcome)["id"] for outcome in outcomes] for outcomes in told] == [
        *([command.id] for command in made),
        [],
    ]
    assert writer.most_in_hand == 1


def test_single_payments_do_not_wait_for_an_upload(writer: Writer, coalescing: CoalescingWriter) -> None:
    writer.open.clear()
    with ThreadPoolExecutor(2) as callers:
        commands = [transfer() for _ in range(3 * WRITER_BATCH_LIMIT)]
        uploading = callers.submit(submit_many, coalescing, commands, soon())
        wait_until(lambda: writer.in_hand == 1, WAIT_SECONDS, "the first chunk")
        lone = callers.submit(coalescing.submit, transfer(), TOKEN, soon())
        wait_until(lambda: writer.in_hand == 2, WAIT_SECONDS, "the payment beside it")
        writer.open.set()
        assert view_of(lone.result())
        assert len(uploading.result()) == len(commands)


def test_what_was_sent_but_not_answered_has_an_unknown_outcome(
    writer: Writer, coalescing: CoalescingWriter
) -> None:
    writer.open.clear()
    not_after = soon(0.2)
    refusal = refusal_of(coalescing.submit(transfer(), TOKEN, not_after))
    assert refusal.slug == "outcome-unknown"
    assert refusal.parameters == {"address": "", "after": clock.to_text(not_after)}


def test_what_was_never_sent_is_late_and_never_sent_later(
    writer: Writer, coalescing: CoalescingWriter
) -> None:
    writer.open.clear()
    with ThreadPoolExecutor(CALLS_IN_FLIGHT) as callers:
        busy = occupy(writer, coalescing, callers)
        not_after, late = soon(0.1), transfer()
        refusal = refusal_of(coalescing.submit(late, TOKEN, not_after))
        assert refusal.slug == "late"
        assert refusal.parameters == {"not_after": clock.to_text(not_after)}
        writer.open.set()
        assert all(view_of(future.result()) for future in busy)
    coalescing.submit(transfer(), TOKEN, soon())
    assert late.id not in writer.decided


def test_the_rest_of_an_upload_is_late_once_its_time_is_over(
    writer: Writer, coalescing: CoalescingWriter
) -> None:
    writer.open.clear()
    commands = [transfer() for _ in range(WRITER_BATCH_LIMIT + 1)]
    outcomes = submit_many(coalescing, commands, soon(0.2))
    assert {refusal_of(outcome).slug for outcome in outcomes[:WRITER_BATCH_LIMIT]} == {"outcome-unknown"}
    assert refusal_of(outcomes[-1]).slug == "late"


def test_a_refusal_of_the_whole_call_goes_to_every_command(
    writer: Writer, coalescing: CoalescingWriter
) -> None:
    def frozen(_: WriteCall) -> Any:
        raise Refusal("partition-frozen")

    writer.answer = frozen
    outcomes = submit_many(coalescing, [transfer(), transfer()], soon())
    assert [refusal_of(outcome).slug for outcome in outcomes] == ["partition-frozen"] * 2


def test_nobody_serving_the_writer_is_told_as_nothing_done() -> None:
    coalescing = CoalescingWriter(InProcessClient(Routes()))
    assert refusal_of(coalescing.submit(transfer(), TOKEN, soon())).slug == "writer-unavailable"
    coalescing.close()


def test_a_senseless_answer_leaves_the_outcome_unknown(writer: Writer, coalescing: CoalescingWriter) -> None:
    writer.answer = lambda _: {"outcomes": []}
    assert refusal_of(coalescing.submit(transfer(), TOKEN, soon())).slug == "outcome-unknown"
    writer.answer = writer.views
    assert view_of(coalescing.submit(transfer(), TOKEN, soon()))
