"""The fence: whoever takes over a partition begins a new term, and only the present term's writer can write.

Every batch moves the partition's row on from where this writer left it, in its own term. Where that row is
not as it was left, somebody else writes, and this writer must never write or answer again.
"""

import threading

from services.ledger.writer.store import Partition, Store, StoreError
from shared.contracts import ids
from shared.observability.logs import get_logger

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

log = get_logger(__name__)


class FenceLost(Exception):
    """Another writer has taken over; this process must end."""


class Stopped(Exception):
    """The writer was asked to stop while it waited for the database."""


class Fence:
    """A writer's hold on its partition. Used by the writer's thread alone; `stopping` ends every wait."""

    def __init__(self, store: Store, partition: int, stopping: threading.Event) -> None:
        self._store = store
        self._partition = partition
        self._stopping = stopping
        self._term: int | None = None

    def take_over(self) -> Partition:
        """Wait until nobody leads, then begin a term. Raises Stopped."""
        while True:
            self._connect()
            try:
                while not self._store.try_lead(self._partition):
                    self._pause(FIRST_PAUSE_SECONDS * 5)
                taken = self._store.take_over(self._partition, ids.new_id())
            except StoreError as error:
                log.warning("take_over_failed", partition=self._partition, reason=str(error))
                self._pause(FIRST_PAUSE_SECONDS)
                continue
            self._term = taken.term
            log.info("leading", partition=taken.id, term=taken.term, sequence=taken.last_sequence)
            return taken

    def read(self, *, connection_lost: bool) -> Partition:
        """The partition as it stands, once nothing is changing it any more. Raises FenceLost and Stopped."""
        if not connection_lost:
            try:
                return self._check(self._store.read_partition(self._partition))
            except StoreError as error:
                log.warning("read_failed", partition=self._partition, reason=str(error))
        return self._resume()

    def _resume(self) -> Partition:
        """Connect again within the same term: PostgreSQL may be restarting, or the network be interrupted."""
        while True:
            self._connect()
            try:
                now = self._check(self._store.read_partition(self._partition))
                if self._store.try_lead(self._partition):
                    log.info("resumed", partition=self._partition, term=self._term)
                    return now
            except StoreError as error:
                log.warning("resume_failed", partition=self._partition, reason=str(error))
            self._pause(FIRST_PAUSE_SECONDS)

    def _check(self, now: Partition | None) -> Partition:
        if now is None or now.term != self._term:
            raise FenceLost(f"partition {self._partition} has another writer than term {self._term}")
        return now

    def _connect(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                self._store.connect()
                return
            except StoreError as error:
                log.warning("connect_failed", partition=self._partition, reason=str(error))
            self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped
