"""What a process says of itself: `/livez` (it runs), `/readyz` (its checks pass), `/metrics`."""

import json
import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from shared.observability.logs import get_logger
from shared.threaded import Threaded

READ_TIMEOUT_SECONDS = 5.0
MAX_CONNECTIONS = 16

log = get_logger(__name__)

Answer = tuple[int, str, bytes]


class HealthServer:
    """Serves a process's health on a port of its own, which is no public door.

    `checks` say by name whether what the process needs is there; one that raises counts as failing. Port 0
    lets the system choose one. `metrics` is what /metrics tells: those of this process, unless others are
    given.
    """

    def __init__(
        self,
        host: str,
        port: int,
        checks: Mapping[str, Callable[[], bool]],
        metrics: CollectorRegistry = REGISTRY,
    ) -> None:
        self._address = (host, port)
        self._checks = checks
        self._metrics = metrics
        self._server: _Server | None = None

    def start(self) -> int:
        """Begin to listen; returns the port. Raises OSError where it is taken."""
        self._server = _Server(self._address, self._checks, self._metrics)
        self._server.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None


class _Server(Threaded):
    allow_reuse_address = True
    max_connections = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        checks: Mapping[str, Callable[[], bool]],
        metrics: CollectorRegistry,
    ) -> None:
        self.checks = checks
        self.metrics = metrics
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def answer(self, path: str) -> Answer:
        match path.partition("?")[0]:
            case "/livez":
                return _as_json(200, {"status": "alive"})
            case "/readyz":
                failing = sorted(name for name, check in self.checks.items() if not passes(name, check))
                if failing:
                    return _as_json(503, {"status": "not ready", "failing": failing})
                return _as_json(200, {"status": "ready"})
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest(self.metrics)
        return _as_json(404, {"status": "not found"})


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = READ_TIMEOUT_SECONDS
    server_version = "medtown"
    sys_version = ""

    def do_GET(self) -> None:
        status, content_type, body = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug("health_request", line=format % args)


def passes(name: str, check: Callable[[], bool]) -> bool:
    """Whether a check passes; one that raises does not."""
    try:
        return check()
    except Exception:
        log.exception("health_check_failed", check=name)
        return False


def _as_json(status: int, content: Mapping[str, object]) -> Answer:
    return status, "application/json", json.dumps(content).encode()
