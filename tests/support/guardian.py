"""Ends the processes of one folder and removes it, once standard input closes. Standard library only.

Started by `GuardedFolder` in a session of its own, so that Ctrl-C and the end of the test run do not reach
it.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

POLITE_SECONDS = 5.0


def processes_in(folder: str) -> list[int]:
    """The ids of living processes whose working directory is `folder` or lies in it."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            where = os.readlink(f"/proc/{name}/cwd")
        except OSError:  # it ended meanwhile, is a zombie, or is another user's
            continue
        if where == folder or where.startswith(folder + "/"):
            found.append(int(name))
    return found


def end_processes(folder: str, first_signal: int) -> None:
    """End them all: by the first signal, and after 5 s by SIGKILL."""
    for number in (first_signal, signal.SIGKILL):
        deadline = time.monotonic() + POLITE_SECONDS
        signalled: set[int] = set()
        while processes := processes_in(folder):
            for process in set(processes) - signalled:
                signalled.add(process)
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    continue
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)


def remove_shared_memory(folder: str) -> None:
    """Free the System V segment that a killed PostgreSQL leaves: its id stands in the lock file."""
    try:
        with open(f"{folder}/data/postmaster.pid", encoding="utf-8") as lock_file:
            lines = lock_file.read().splitlines()
    except FileNotFoundError:
        return
    if len(lines) > 6:
        subprocess.run(["ipcrm", "-m", lines[6].split()[1]], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_processes(sys.argv[1], int(sys.argv[2]))
    remove_shared_memory(sys.argv[1])
    shutil.rmtree(sys.argv[1], ignore_errors=True)
