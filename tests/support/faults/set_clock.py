"""A clock that processes of an installation go by and that a test sets."""

import struct
from collections.abc import Mapping
from pathlib import Path

from shared.contracts import clock
from tests.support.deployment import PROJECT

_PATCH = PROJECT / "tests" / "support" / "settable_clock"


class SettableClock:
    """Processes that are started with `environment` go by it, and see at once when it is set."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(bytes(8))

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": f"{_PATCH}:{PROJECT}", "TEST_CLOCK": str(self._file)}

    def set_back(self, seconds: float) -> None:
        """Have the clock so far behind the real one; 0: right again."""
        # The same file stays in place, since the processes have it in their memory.
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", -int(seconds * clock.MICROSECONDS)))
