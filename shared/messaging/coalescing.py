"""Payments that wait at the same time travel to the ledger's writer in one call.

No timer: each of a few sender threads takes whatever waits when it is free, so that a lone payment leaves at
once and a crowd shares calls. Framework-free: any `Client` carries the calls.

A bulk upload travels in chunks, one at a time: two calls in flight may overtake each other (workers of the
writer run side by side, and a call may be refused as a whole), and the lines of an upload are decided in
their order. While one chunk is decided, the answers of the one before are handed out. Single payments go
first.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from shared.contracts import clock
from shared.contracts.commands import WRITER_BATCH_LIMIT, Command, Outcome, WriteCall, WriteItem
from shared.contracts.errors import Refusal
from shared.contracts.ledger import writer_service
from shared.messaging.client import Client
from shared.observability.logs import get_logger

CALLS_IN_FLIGHT = 3
CHUNKS_IN_FLIGHT = 1

log = get_logger(__name__)


class _Waiting:
    """Commands of one submitter: a single one, or a chunk. `call_not_after` is None until they are sent.

    `undecided` is held until the outcomes are here. A lock that another thread lets go is the cheapest signal
    that threads and greenlets have: an event is made of three.
    """

    __slots__ = ("abandoned", "call_not_after", "commands", "not_after", "outcomes", "token", "undecided")

    def __init__(self, commands: Sequence[Command], token: str, not_after: int) -> None:
        self.commands = commands
        self.token = token
        self.not_after = not_after
        self.call_not_after: int | None = None
        self.abandoned = False
        self.outcomes: Sequence[Outcome] = ()
        self.undecided = threading.Lock()
        self.undecided.acquire()


class CoalescingWriter:
    """Sends commands to the writer of a partition. Safe to use from many threads; starts its own at the first
    command.
    """

    def __init__(self, client: Client, partition: int = 0) -> None:
        self._client = client
        self._service = writer_service(partition)
        self._condition = threading.Condition(threading.Lock())
        self._singles: deque[_Waiting] = deque()
        self._chunks: deque[_Waiting] = deque()
        self._chunks_in_flight = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, command: Command, token: str, not_after: int) -> Outcome:
        """The outcome of one command, waited for until `not_after` (Unix microseconds). Never raises a
        Refusal.

        Besides what the ledger decides, a refusal may be `late` or `writer-unavailable` (surely nothing was
        done) or `outcome-unknown`, whose `after` says when a missing transfer is surely not coming.
        """
        waiting = _Waiting((command,), token, not_after)
        self._enqueue(self._singles, waiting)
        return self._outcomes(waiting)[0]

    def submit_many(self, commands: Sequence[Command], token: str, not_after: int) -> Iterator[Outcome]:
        """The outcomes of many commands, decided in their order; each as `submit` gives it."""
        outcomes: Sequence[Outcome] = ()
        for start in range(0, len(commands), WRITER_BATCH_LIMIT):
            chunk = _Waiting(commands[start : start + WRITER_BATCH_LIMIT], token, not_after)
            self._enqueue(self._chunks, chunk)
            yield from outcomes
            outcomes = self._outcomes(chunk)
        yield from outcomes

    def close(self) -> None:
        """Let the sender threads end once their calls have returned; what waits unsent ends as `late`."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _enqueue(self, queue: deque[_Waiting], waiting: _Waiting) -> None:
        with self._condition:
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._send_for_ever, name=f"{self._service} sender", daemon=True)
                    for _ in range(CALLS_IN_FLIGHT)
                ]
                for thread in self._threads:
                    thread.start()
            queue.append(waiting)
            self._condition.notify()

    def _outcomes(self, waiting: _Waiting) -> Sequence[Outcome]:
        """Wait for the outcomes until their deadline."""
        left = max(0, waiting.not_after - clock.now_us()) / clock.MICROSECONDS
        if waiting.undecided.acquire(timeout=left):
            return waiting.outcomes
        with self._condition:
            if not waiting.undecided.locked():
                return waiting.outcomes
            waiting.abandoned = True
            sent = waiting.call_not_after
        if sent is None:
            refusal = Refusal("late", not_after=clock.to_text(waiting.not_after))
        else:
            # The call's deadline, not ours: as part of it, the command may still be decided until then.
            refusal = Refusal("outcome-unknown", address="", after=clock.to_text(sent))
        return _refused(refusal, len(waiting.commands))

    def _send_for_ever(self) -> None:
        while (taken := self._take()) is not None:
            group, is_chunk = taken
            outcomes = self._decided(group)
            start = 0
            with self._condition:
                for waiting in group:
                    end = start + len(waiting.commands)
                    waiting.outcomes = outcomes[start:end]
                    start = end
                    waiting.undecided.release()
                if is_chunk:
                    self._chunks_in_flight -= 1
                    self._condition.notify()

    def _take(self) -> tuple[list[_Waiting], bool] | None:
        """What is to be sent next, and whether it is a chunk; None once closed."""
        with self._condition:
            while not self._closed:
                if group := self._take_from(self._singles, WRITER_BATCH_LIMIT):
                    return group, False
                if self._chunks_in_flight < CHUNKS_IN_FLIGHT and (group := self._take_from(self._chunks, 1)):
                    self._chunks_in_flight += 1
                    return group, True
                self._condition.wait()
        return None

    def _take_from(self, queue: deque[_Waiting], at_most: int) -> list[_Waiting]:
        now = clock.now_us()
        group: list[_Waiting] = []
        while queue and len(group) < at_most:
            waiting = queue.popleft()
            if not waiting.abandoned and waiting.not_after > now:
                group.append(waiting)
        until = max((waiting.not_after for waiting in group), default=0)
        for waiting in group:
            waiting.call_not_after = until
        return group

    def _decided(self, group: Sequence[_Waiting]) -> Sequence[Outcome]:
        """The outcomes of all commands of a call, one after the other."""
        call = _write_call(group)
        try:
            answer = self._client.call(
                self._service, "decide", msgspec.to_builtins(call), not_after=call.not_after
            )
            return _checked(answer, len(call.items))
        except Refusal as refusal:
            if refusal.slug == "service-unavailable":
                refusal = Refusal("writer-unavailable")
            return _refused(refusal, len(call.items))
        except Exception:
            log.exception("write_call_failed", service=self._service, size=len(call.items))
            unknown = Refusal("outcome-unknown", address="", after=clock.to_text(call.not_after))
            return _refused(unknown, len(call.items))


def _write_call(group: Sequence[_Waiting]) -> WriteCall:
    tokens: dict[str, int] = {}
    items = [
        WriteItem(tokens.setdefault(waiting.token, len(tokens)), command)
        for waiting in group
        for command in waiting.commands
    ]
    until = max(waiting.not_after for waiting in group)
    return WriteCall(list(tokens), items, until)


def _checked(answer: Any, size: int) -> Sequence[Outcome]:
    outcomes = msgspec.convert(answer["outcomes"], list[Outcome])
    if len(outcomes) != size:
        raise ValueError(f"{len(outcomes)} outcomes for {size} commands")
    return outcomes


def _refused(refusal: Refusal, size: int) -> Sequence[Outcome]:
    return [Outcome(refusal=refusal.to_wire())] * size
