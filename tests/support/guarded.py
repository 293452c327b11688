"""A temporary folder whose processes and files never outlive the test run, however it ends.

A process belongs to the folder when its working directory lies in it. A small guardian process holds the
other end of a pipe: when the pipe closes (`close()`, the interpreter's end, Ctrl-C, SIGTERM, even SIGKILL of
the test run), it ends those processes and removes the folder. One way out, for every way of ending.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support import guardian

# A Unix socket's path may have 107 bytes: a longer temporary folder leaves no room for one.
LONGEST_ROOT = 60


class GuardedFolder:
    """A temporary folder that owns processes. `system_user` owns it when the run is root's, else ourselves.

    `end_with` is the signal that the guardian tries first; what still lives 5 s later is killed.
    """

    def __init__(
        self, prefix: str, system_user: str | None = None, end_with: signal.Signals = signal.SIGKILL
    ) -> None:
        self.system_user = system_user if system_user is not None and os.geteuid() == 0 else None
        root = tempfile.gettempdir()
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=root if len(root) <= LONGEST_ROOT else "/tmp"))
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, str(self.path), str(end_with.value)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        self._started: list[subprocess.Popen[bytes]] = []
        atexit.register(self.close)
        if self.system_user is not None:
            shutil.chown(self.path, self.system_user, pwd.getpwnam(self.system_user).pw_gid)

    def run(
        self, command: Sequence[str | Path], environment: Mapping[str, str], log: Path
    ) -> "subprocess.Popen[bytes]":
        """Start a process in this folder, as the folder's owner; what it prints is appended to `log`."""
        identity = {} if self.system_user is None else self._identity(self.system_user)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.path,
                env=dict(environment),
                start_new_session=True,
                **identity,  # type: ignore[call-overload]
            )
        self._started.append(process)
        return process

    def processes(self) -> list[int]:
        """The ids of the living processes that belong to this folder."""
        return guardian.processes_in(str(self.path))

    def close(self) -> None:
        """End every process of this folder and remove it. May be called again."""
        if self._guardian.stdin is not None and not self._guardian.stdin.closed:
            self._guardian.stdin.close()
        self._guardian.wait(timeout=2 * guardian.POLITE_SECONDS + 10)
        for process in self._started:
            process.wait(timeout=10)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _identity(system_user: str) -> dict[str, object]:
        entry = pwd.getpwnam(system_user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
