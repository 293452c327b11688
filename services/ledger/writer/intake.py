"""Where calls wait for the writer: those with few commands before those with many, each kind in its order."""

import threading
from collections import deque
from collections.abc import Sequence

from services.ledger.writer.calls import PendingCall

LARGE_CALL = 100
"""From how many commands on a call waits until the smaller ones are done: bulk after single payments."""

DIVIDED_FROM = 16
"""From how many commands on small calls that wait are divided: fewer are not worth another commit."""


class Intake:
    """The queue between callers and the writer's thread. Calls are taken whole."""

    def __init__(self, max_commands: int, max_small: int) -> None:
        """`max_commands` are those of a batch, `max_small` those of small calls among them; a single call may
        have more.
        """
        self._max_commands = max_commands
        self._max_small = max_small
        self._condition = threading.Condition()
        self._small: deque[PendingCall] = deque()
        self._large: deque[PendingCall] = deque()
        self._closed = False

    def put(self, call: PendingCall) -> bool:
        """Queue a call; False once closed."""
        with self._condition:
            if self._closed:
                return False
            (self._large if len(call.items) >= LARGE_CALL else self._small).append(call)
            self._condition.notify()
            return True

    @property
    def closed(self) -> bool:
        return self._closed

    def take(self, *, seconds: float = 0, part: bool = False) -> list[PendingCall]:
        """All that waits, up to a batch's worth; where nothing does, what comes within so many seconds. Empty
        when closed.

        `part`: where many small calls wait, half of them, so that the others are decided while these are
        being written.
        """
        with self._condition:
            if seconds and not (self._small or self._large or self._closed):
                self._condition.wait(seconds)
            if self._closed:
                return []
            if part and (commands := sum(len(call.items) for call in self._small)) >= DIVIDED_FROM:
                return _taken(self._small, min(commands // 2, self._max_small))
            small = _taken(self._small, self._max_small)
            return small + _taken(self._large, self._max_commands, small)

    def withdraw(self, call: PendingCall) -> bool:
        """Take a call back; False when the writer has it already, so that its outcome is open."""
        with self._condition:
            if call.taken:
                return False
            (self._large if len(call.items) >= LARGE_CALL else self._small).remove(call)
            call.taken = True
            return True

    def close(self) -> list[PendingCall]:
        """Take no more calls and hand back those that wait."""
        with self._condition:
            self._closed = True
            waiting = [*self._small, *self._large]
            self._small.clear()
            self._large.clear()
            for call in waiting:
                call.taken = True
            self._condition.notify_all()
            return waiting


def _taken(queue: deque[PendingCall], most: int, before: Sequence[PendingCall] = ()) -> list[PendingCall]:
    """Take calls that have, with those taken before, no more commands than that, but at least one call."""
    taken: list[PendingCall] = []
    size = sum(len(call.items) for call in before)
    while queue and (not (taken or before) or size + len(queue[0].items) <= most):
        call = queue.popleft()
        call.taken = True
        taken.append(call)
        size += len(call.items)
    return taken
