"""One batch after the other: decide, write, commit, answer; and what to do where no answer comes."""

import time
from collections.abc import Callable

from services.ledger.writer import metrics
from services.ledger.writer.calls import PendingCall
from services.ledger.writer.deciding import Decider
from services.ledger.writer.fence import Fence, FenceLost
from services.ledger.writer.store import Batch, FenceMissed, Partition, Store, StoreError
from shared.contracts.errors import Refusal
from shared.observability.logs import get_logger

log = get_logger(__name__)


class Committer:
    """Turns calls into committed batches, within one term. Used by the writer's thread alone."""

    def __init__(self, store: Store, fence: Fence, taken: Partition, now_us: Callable[[], int]) -> None:
        self._store = store
        self._fence = fence
        self._now_us = now_us
        self._decider = Decider(store, taken)
        self._sequence = taken.last_sequence

    def process(self, calls: list[PendingCall]) -> None:
        """Decide the calls, and answer them once what they led to is safe. Raises FenceLost and Stopped."""
        while True:
            batch: Batch | None = None
            try:
                with self._store.writing():
                    batch = self._decider.decide(calls, self._now_us())
                    self._write(batch)
                break
            except FenceMissed:
                self._refuse_if_frozen(calls)
                break
            except StoreError as error:
                log.warning("batch_interrupted", reason=str(error), connection_lost=error.connection_lost)
                if self._recover(batch, connection_lost=error.connection_lost):
                    break
                if not error.connection_lost:
                    self._process_singly(calls, Refusal("writer-unavailable"))
                    return
                # Nothing was written: decide again, by what the database and the clock say now.
            except FenceLost:
                raise
            except Exception:
                # One command that we have a mistake for must not take the others with it.
                log.exception("batch_failed", calls=len(calls))
                self._recover(None, connection_lost=False)
                self._process_singly(calls, Refusal("internal-error"))
                return
        self._answer(calls)

    def _write(self, batch: Batch) -> None:
        if not batch.records and not batch.refusals:
            return
        started = time.perf_counter()
        self._store.write(batch)
        self._sequence = batch.sequence
        metrics.COMMIT_DURATION.observe(time.perf_counter() - started)
        metrics.BATCH_SIZE.observe(len(batch.records) + len(batch.refusals))

    def _recover(self, batch: Batch | None, *, connection_lost: bool) -> bool:
        """Go on from what the database says; whether the batch is written. Raises FenceLost and Stopped."""
        while True:
            now = self._fence.read(connection_lost=connection_lost)
            written = batch is not None and now.last_batch == batch.id
            expected = batch.sequence if batch is not None and written else self._sequence
            if now.last_sequence != expected:
                raise FenceLost(f"partition {now.id} is at record {now.last_sequence}, left at {expected}")
            try:
                self._decider.reload(now)
            except StoreError:
                connection_lost = True
                continue
            self._sequence = now.last_sequence
            return written

    def _refuse_if_frozen(self, calls: list[PendingCall]) -> None:
        self._recover(None, connection_lost=False)
        if not self._fence.read(connection_lost=False).frozen:
            raise FenceLost("the partition's row is not as this writer left it")
        for call in calls:
            call.refuse(Refusal("partition-frozen"))

    def _process_singly(self, calls: list[PendingCall], refusal: Refusal) -> None:
        """Each call by itself; the one that fails alone is refused."""
        if len(calls) > 1:
            for call in calls:
                self.process([call])
            return
        calls[0].refuse(refusal)
        self._answer(calls)

    def _answer(self, calls: list[PendingCall]) -> None:
        metrics.count(calls)
        for call in calls:
            call.finish()
