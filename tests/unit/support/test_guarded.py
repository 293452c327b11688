"""Nothing that a test run started outlives it, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.guarded import GuardedFolder
from tests.support.guardian import processes_in
from tests.support.waiting import wait_until

# A test run in small: it starts a process with a child that ignores every polite request, tells where, and
# hangs.
RUN = """
import signal, time
from tests.support.guarded import GuardedFolder
# Whoever runs the tests in the background may have had this signal ignored, which processes inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
folder = GuardedFolder("medtown-guarded-")
stubborn = "trap '' INT TERM HUP QUIT; sh -c 'sleep 600' & sleep 600"
folder.run(["/bin/sh", "-c", stubborn], {"PATH": "/usr/bin:/bin"}, folder.path / "log")
while len(folder.processes()) < 3:
    time.sleep(0.01)
print(folder.path, flush=True)
time.sleep(600)
"""


def test_close_ends_processes_and_removes_the_folder() -> None:
    with GuardedFolder("medtown-guarded-") as folder:
        folder.run(["/bin/sleep", "600"], {}, folder.path / "log")
        wait_until(folder.processes, 5, "the process to start")
        path = folder.path
    assert not path.exists()
    assert processes_in(str(path)) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_nothing(ending: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as run:
        assert run.stdout is not None
        path = Path(run.stdout.readline().decode().strip())
        assert len(processes_in(str(path))) >= 3
        run.send_signal(ending)
    wait_until(lambda: not path.exists(), 15, "the guardian to remove the folder")
    assert processes_in(str(path)) == []
