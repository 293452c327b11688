"""Where calls wait for the writer: those with few commands before those with many, each kind in its order."""

import threading
from collections import deque

from services.ledger.writer.calls import PendingCall

LARGE_CALL = 100
"""From how many commands on a call waits until the smaller ones are done: bulk after single payments."""


class Intake:
    """The queue between callers and the writer's thread. Calls are taken whole."""

    def __init__(self, max_commands: int) -> None:
        self._max_commands = max_commands
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

    def take(self) -> list[PendingCall]:
        """All that waits, up to a batch's worth, once there is any; empty when closed."""
        with self._condition:
            while not (self._small or self._large or self._closed):
                self._condition.wait()
            if self._closed:
                return []
            taken: list[PendingCall] = []
            size = 0
            for queue in (self._small, self._large):
                while queue and (not taken or size + len(queue[0].items) <= self._max_commands):
                    call = queue.popleft()
                    call.taken = True
                    taken.append(call)
                    size += len(call.items)
            return taken

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
