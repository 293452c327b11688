"""One batch after the other: decide, write, commit, answer; and what to do where no answer comes.

Where the store can send a batch without waiting for it, the next one is decided upon a state that is not safe
yet. Nobody is answered before it is, and all in their order; if a batch is not written, those after it are
not either, and their calls are decided again.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.ledger.writer import metrics
from services.ledger.writer.calls import PendingCall
from services.ledger.writer.deciding import Decider
from services.ledger.writer.fence import Fence, FenceLost
from services.ledger.writer.store import Batch, FenceMissed, Partition, Store, StoreError
from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.observability.logs import get_logger

MAX_MISSES = 5
"""How often in a row a batch may not be written though the partition's row, read after it, lets it be. The
freeze that kept it from it has been taken away meanwhile; if that goes on, it is something else.
"""

STALE_US = 15 * clock.MICROSECONDS
"""How long after its decision a batch may be handed to the database though a deadline has passed since. The
database may take as long again (`store.TRANSACTION_SECONDS`); callers are told that all is settled a minute
after their deadline.
"""

log = get_logger(__name__)


class _Sent(NamedTuple):
    """A batch on its way to the database since a time (`perf_counter`), and who waits for it."""

    calls: list[PendingCall]
    batch: Batch
    since: float


class _Late(Exception):
    """So long after it was decided, some of a batch must not be written any more."""


class _Unconfirmed(Exception):
    """Of the batches on their way the first one is not written, for the reason that is the cause of this."""


class Committer:
    """Turns calls into committed batches, within one term. Used by the writer's thread alone."""

    def __init__(self, store: Store, fence: Fence, taken: Partition, now_us: Callable[[], int]) -> None:
        self._store = store
        self._fence = fence
        self._now_us = now_us
        self._decider = Decider(store, taken)
        self._sequence = taken.last_sequence
        self._frozen = taken.frozen
        """As the row was when it was read last."""
        self._misses = 0
        self._sent: deque[_Sent] = deque()

    @property
    def sent(self) -> int:
        """How many batches are on their way."""
        return len(self._sent)

    def process(self, calls: list[PendingCall]) -> None:
        """Decide the calls, and have written what they lead to: either it is on its way then, or it is
        written and they are answered, after those before them. Raises FenceLost and Stopped.
        """
        waiting, beside = deque([calls]), 1
        while waiting:
            group = waiting.popleft()
            batch: Batch | None = None
            try:
                while self.sent > beside:
                    self._confirm()
                with self._store.writing():
                    decided_us = self._now_us()
                    batch = self._decider.decide(group, decided_us)
                    since = time.perf_counter()
                    self._check_time(group, batch, decided_us)
                    if self._goes(batch):
                        self._sent.append(_Sent(group, batch, since))
                        continue
                    while self.sent:
                        self._confirm()
                        self._check_time(group, batch, decided_us)
                    self._write(batch)
            except Exception as error:  # noqa: BLE001 - the calls are refused for it, or done again
                waiting.extendleft(reversed(self._start_over(error, group, batch)))
                # What is done again is done one batch at a time, so that each gets what is due to it.
                beside = 0
            else:
                self._answer(group)

    def confirm(self) -> None:
        """Wait until the batch that was sent first is written, and answer who waits for it. Raises FenceLost
        and Stopped.
        """
        try:
            self._confirm()
        except _Unconfirmed as error:
            for calls in self._start_over(error):
                self.process(calls)

    def show_life(self) -> None:
        """Let the database know that this writer is there, while nothing is on its way. Raises FenceLost and
        Stopped.
        """
        try:
            self._store.show_life()
        except StoreError as error:
            self._start_over(error)

    def _check_time(self, calls: list[PendingCall], batch: Batch, decided_us: int) -> None:
        """Raises _Late where the database, or whatever stopped this process, took so long since the deadlines
        were looked at that they have to be looked at again.
        """
        now = self._now_us()
        if now - decided_us > STALE_US and _has_rows(batch) and any(call.is_late_by(now) for call in calls):
            raise _Late("a deadline has passed since it was decided")

    def _goes(self, batch: Batch) -> bool:
        """Whether the batch is on its way, or has nothing to write and waits for those that are: what it is
        answered with may follow from what is not safe yet.
        """
        return self._store.send(batch) if _has_rows(batch) else self.sent > 0

    def _confirm(self) -> None:
        calls, batch, since = self._sent[0]
        if _has_rows(batch):
            try:
                self._store.confirm()
            except Exception as error:
                raise _Unconfirmed from error
            self._written(batch, since)
        self._sent.popleft()
        self._answer(calls)

    def _write(self, batch: Batch) -> None:
        if _has_rows(batch):
            started = time.perf_counter()
            self._store.write(batch)
            self._written(batch, started)

    def _written(self, batch: Batch, since: float) -> None:
        self._sequence = batch.sequence
        self._misses = 0
        metrics.COMMIT_DURATION.observe(time.perf_counter() - since)
        metrics.BATCH_SIZE.observe(len(batch.records) + len(batch.refusals))

    def _start_over(
        self, error: Exception, last: list[PendingCall] | None = None, batch: Batch | None = None
    ) -> list[list[PendingCall]]:
        """Find out which batches are written of those on their way, and of the last one, as far as it was
        decided, and answer for them. What could not be written is refused for it, or done again, as what came
        after it: the calls of each batch to come.
        """
        cause = error.__cause__ if isinstance(error, _Unconfirmed) else error
        _tell(cause, self.sent)
        interrupted: deque[tuple[list[PendingCall], Batch | None]]
        interrupted = deque((sent.calls, sent.batch) for sent in self._sent)
        if last is not None:
            interrupted.append((last, batch))
        self._sent.clear()
        lost = isinstance(cause, StoreError) and cause.connection_lost
        try:
            self._store.forget()
        except StoreError as failure:
            lost = lost or failure.connection_lost
        to_write = [batch for _, batch in interrupted if batch is not None and _has_rows(batch)]
        written = self._recover(to_write, connection_lost=lost)
        while interrupted and (batch := interrupted[0][1]) is not None:
            if _has_rows(batch):
                if not written:
                    break
                written -= 1
            self._answer(interrupted.popleft()[0])
        groups = [calls for calls, _ in interrupted]
        at_fault = isinstance(error, _Unconfirmed) or len(groups) == 1
        if lost or not groups or not at_fault:
            return groups
        return [*self._failed(cause, groups[0]), *groups[1:]]

    def _failed(self, error: BaseException | None, calls: list[PendingCall]) -> list[list[PendingCall]]:
        """What to do with the calls of a batch that could not be written: they are done one by one, so that
        the one that fails alone is refused. The row has been read since, and is as this writer left it.
        Raises FenceLost.
        """
        if isinstance(error, _Late):
            return [calls]
        if isinstance(error, FenceMissed):
            return self._missed(calls)
        if len(calls) > 1:
            return [[call] for call in calls]
        # One command that we have a mistake for must not take the others with it.
        calls[0].refuse(Refusal("writer-unavailable" if isinstance(error, StoreError) else "internal-error"))
        self._answer(calls)
        return []

    def _recover(self, batches: Sequence[Batch], *, connection_lost: bool) -> int:
        """Go on from what the database says; how many of the batches are written, of several the first ones.
        Raises FenceLost and Stopped.
        """
        while True:
            now = self._fence.read(connection_lost=connection_lost)
            written = 1 + max(
                (place for place, each in enumerate(batches) if each.id == now.last_batch), default=-1
            )
            expected = batches[written - 1].sequence if written else self._sequence
            if now.last_sequence != expected:
                raise FenceLost(f"partition {now.id} is at record {now.last_sequence}, left at {expected}")
            try:
                self._decider.reload(now)
            except StoreError:
                connection_lost = True
                continue
            self._sequence, self._frozen = now.last_sequence, now.frozen
            return written

    def _missed(self, calls: list[PendingCall]) -> list[list[PendingCall]]:
        """Refuse the calls while the partition is frozen; where it is not any more, they are done again."""
        if not self._frozen:
            self._misses += 1
            if self._misses > MAX_MISSES:
                raise FenceLost("nothing can be written though the partition's row is as it was left")
            return [calls]
        self._misses = 0
        for call in calls:
            call.refuse(Refusal("partition-frozen"))
        self._answer(calls)
        return []

    def _answer(self, calls: list[PendingCall]) -> None:
        metrics.count(calls)
        for call in calls:
            call.finish()


def _tell(error: BaseException | None, sent: int) -> None:
    log.warning("batch_interrupted", reason=str(error), sent=sent)
    if not isinstance(error, StoreError | FenceMissed | _Late):
        # A mistake of ours, or books that are broken.
        log.exception("batch_failed")


def _has_rows(batch: Batch) -> bool:
    return bool(batch.records or batch.refusals)
