"""Free ports on the loopback address."""

import random
import socket

# Below the range from which the kernel takes the ports of outgoing connections (from 32768 on), so that none
# of those takes a server's port while the server is stopped and about to be started again.
FIRST_PORT = 20_000
LAST_PORT = 32_000

_handed_out: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on and that this process has not handed out before.

    Raises RuntimeError when 200 tries find none.
    """
    for _ in range(200):
        port = random.randint(FIRST_PORT, LAST_PORT)
        if port not in _handed_out and _can_bind(port):
            _handed_out.add(port)
            return port
    raise RuntimeError(f"no free port found between {FIRST_PORT} and {LAST_PORT} on 127.0.0.1")


def accepts_connections(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
