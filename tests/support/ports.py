"""Free ports on the loopback address."""

import atexit
import random
import socket

# Below the range from which the kernel takes the ports of outgoing connections (from 32768 on), so that none
# of those takes a server's port while the server is stopped and about to be started again.
FIRST_PORT = 20_000
LAST_PORT = 32_000
BLOCK = 100

_left: list[int] = []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on and that no test run of this machine has handed out.

    Raises RuntimeError where none is left.
    """
    while True:
        if not _left:
            _claim()
        port = _left.pop()
        if _can_bind(port):
            return port


def accepts_connections(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _claim() -> None:
    """Take a block of ports for this process alone, by listening on its first one until the process ends.

    A port that is handed out is often not listened on for seconds; meanwhile only the block tells other test
    runs that it has gone.
    """
    for first in random.sample(range(FIRST_PORT, LAST_PORT, BLOCK), (LAST_PORT - FIRST_PORT) // BLOCK):
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind(("127.0.0.1", first))
            claim.listen()
        except OSError:
            claim.close()
            continue
        atexit.register(claim.close)
        _left.extend(range(first + 1, first + BLOCK))
        return
    raise RuntimeError(f"no free ports left between {FIRST_PORT} and {LAST_PORT} on 127.0.0.1")


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
