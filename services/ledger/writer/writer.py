"""The writer of a partition: callers' commands in, batches out, one commit each.

    callers' threads --> Intake --> the writer's thread: load, decide in order, write, commit --> outcomes

While a batch is being committed, the next one gathers by itself: there is no timer. Where the store can send
a batch without waiting for it, the next one is decided and sent meanwhile, so that neither waits for the
other. Only standard threads and conditions are used, so that it works the same where a process has patched
them.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from services.ledger.writer import calls as reading
from services.ledger.writer.committing import Committer
from services.ledger.writer.fence import FIRST_PAUSE_SECONDS, Fence, FenceLost, Stopped
from services.ledger.writer.intake import Intake
from services.ledger.writer.opening import open_store
from services.ledger.writer.store import PIECE, StoreError
from shared.auth.tokens import Verifier
from shared.contracts import clock
from shared.contracts.commands import Outcome, WriteCall, WriteItem
from shared.contracts.errors import Refusal
from shared.messaging.service import Request
from shared.observability.logs import get_logger

MAX_BATCH_COMMANDS = 2_000
STOP_SECONDS = 30.0
LIFE_SECONDS = 3.0
"""How often a leader lets its database know that it is there: much less than the store's patience."""

log = get_logger(__name__)


class Writer:
    """Writes one partition, once it leads it. Safe to use from many threads.

    `failed` is called, from the writer's thread, when it ends though nobody has stopped it, since the fence
    is lost or for a mistake of ours: the process should end then.
    """

    def __init__(
        self,
        database_url: str,
        partition: int,
        verifier: Verifier,
        *,
        now_us: Callable[[], int] = clock.now_us,
    ) -> None:
        self.partition = partition
        self.failed: Callable[[], object] = lambda: None
        self._verifier = verifier
        self._now_us = now_us
        self._store = open_store(database_url)
        self._stopping = threading.Event()
        self._leading = threading.Event()
        self._ended = threading.Event()
        self._fence = Fence(self._store, partition, self._stopping)
        self._intake = Intake(MAX_BATCH_COMMANDS, PIECE)
        self._thread = threading.Thread(target=self._run, name=f"ledger-writer-{partition}", daemon=True)

    @property
    def leading(self) -> bool:
        """Whether this writer holds the fence, as far as it knows."""
        return self._leading.is_set()

    def start(self) -> None:
        """Begin to compete for the partition, in a thread of its own."""
        self._thread.start()

    def wait_until_leading(self, timeout_seconds: float | None = None) -> bool:
        """Wait until this writer leads; False where the time passes before, or the writer ends."""
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self._leading.wait(0.1):
            if self._ended.is_set() or (until is not None and time.monotonic() > until):
                return False
        return True

    def stop(self) -> None:
        """Finish the batches that are being written, refuse what waits, and give up leading."""
        self._stopping.set()
        self._refuse_waiting()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def decide(self, call: WriteCall) -> list[Outcome]:
        """What became of each command, in order. Waits until the call's deadline, not longer."""
        return self._submit(call.tokens, call.items, call.not_after)

    def handle(self, request: Request) -> dict[str, Any]:
        """The call as it came by message; `{"outcomes": [...]}`. What cannot be read refuses alone."""
        given = request.arguments if request.encoded is None else request.encoded
        tokens, items, not_after = reading.read(given)
        outcomes = self._submit(tokens, items, min(not_after, request.not_after))
        return {"outcomes": outcomes}

    def _submit(
        self, tokens: Sequence[str], items: Sequence[WriteItem | Refusal], not_after: int
    ) -> list[Outcome]:
        call = reading.authorise(tokens, items, not_after, self._verifier)
        if not call.items:
            return call.answers()
        if not self._intake.put(call):
            return call.all_refused(Refusal("writer-unavailable"))
        seconds = max(0, not_after - self._now_us()) / clock.MICROSECONDS
        if call.wait(seconds):
            return call.answers()
        # The writer had no time for it, or has not heard from its database.
        if self._intake.withdraw(call):
            return call.all_refused(Refusal("writer-unavailable"))
        return call.answers() if call.wait(0) else call.all_unknown(not_after)

    def _run(self) -> None:
        try:
            self._lead()
        except Stopped:
            log.info("writer_stopped", partition=self.partition)
        except FenceLost as error:
            log.error("fence_lost", partition=self.partition, reason=str(error))
            self.failed()
        except Exception:
            # Nothing else than a mistake of ours gets here; to go on with it would be guessing.
            log.exception("writer_failed", partition=self.partition)
            self.failed()
        finally:
            self._end()

    def _end(self) -> None:
        self._leading.clear()
        self._ended.set()
        self._refuse_waiting()
        self._store.close()

    def _lead(self) -> None:
        committer = self._begin_term()
        self._leading.set()
        went = False
        """Whether the last batch was sent, so that another one could be decided meanwhile."""
        silent_since = time.monotonic()
        while not self._intake.closed:
            sent = committer.sent
            calls = self._intake.take(seconds=0 if sent else LIFE_SECONDS, part=went and not sent)
            if calls:
                committer.process(calls)
                went = committer.sent > sent
            if committer.sent > 1 or (committer.sent and not calls):
                committer.confirm()
            if not committer.sent and time.monotonic() - silent_since >= LIFE_SECONDS:
                # However busy it is: of what is refused, the database hears nothing.
                committer.show_life()
                silent_since = time.monotonic()
            # Who has been answered may have the next command ready: let them come, so that all that are
            # about share one commit.
            time.sleep(0)
        while committer.sent:
            committer.confirm()

    def _begin_term(self) -> Committer:
        """Take over, and read what that begins with; over again where the database fails. Raises Stopped."""
        while True:
            taken = self._fence.take_over()
            try:
                return Committer(self._store, self._fence, taken, self._now_us)
            except StoreError as error:
                log.warning("take_over_failed", partition=self.partition, reason=str(error))
            if self._stopping.wait(FIRST_PAUSE_SECONDS):
                raise Stopped

    def _refuse_waiting(self) -> None:
        for call in self._intake.close():
            call.refuse(Refusal("writer-unavailable"))
            call.finish()
