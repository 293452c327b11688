"""Progress of long work: a counter that rewrites its line on a terminal, and a line every few seconds
elsewhere.
"""

import sys
import time
from types import TracebackType

TERMINAL_SECONDS = 0.2
ELSEWHERE_SECONDS = 5.0


class Progress:
    """`with Progress("rows") as progress: ... progress.show(done)`; writes to standard error."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._terminal = sys.stderr.isatty()
        self._every = TERMINAL_SECONDS if self._terminal else ELSEWHERE_SECONDS
        self._started = self._shown = time.monotonic()
        self._written = False

    def __enter__(self) -> "Progress":
        return self

    def show(self, done: int, total: int | None = None) -> None:
        """Say how much is done, unless that was said a moment ago."""
        now = time.monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        self._written = True
        seconds = now - self._started
        of = f" of {total:,}" if total else ""
        line = f"{done:,}{of} {self._what}, {done / seconds:,.0f} a second"
        sys.stderr.write(f"\r\033[K{line}" if self._terminal else f"{line}\n")
        sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal and self._written:
            sys.stderr.write("\r\033[K")
