"""The gateway of an embedded installation: one process, plain threads."""

import logging
import socket
import threading
from types import TracebackType

from waitress.server import create_server

from deploy.embedded import PARTITION, Embedded
from deploy.refusals import CommandRefused
from gateway.app import close, create_app
from shared.config import Config
from shared.messaging.coalescing import CoalescingWriter

BACKLOG = 1024
CONNECTION_LIMIT = 500
"""Well below the 1,024 files that a process may usually have open, which databases need as well."""
CHANNEL_TIMEOUT_SECONDS = 60
STOP_SECONDS = 3
LARGEST_BODY_BYTES = 64 * 1024 * 1024
"""Above every limit that the gateway itself sets, so that its own, clearer refusal is the one that people
see.
"""


def bind(config: Config) -> socket.socket:
    """The configured address, taken but not yet listening. Raises CommandRefused where it cannot be had."""
    try:
        # Where a name has several addresses, that of IPv4, which every machine has.
        family, kind, protocol, _, address = min(
            socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)
        )
    except OSError as error:
        raise CommandRefused(f"MEDTOWN_HOST is {config.host!r}, which is no address here: {error}") from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise CommandRefused(
            f"port {config.port} of {config.host} cannot be used ({error.strerror}): "
            "set MEDTOWN_PORT or MEDTOWN_HOST to another"
        ) from error
    return bound


class GatewayServer:
    """Serves the gateway on a bound socket until the block ends. `address` is what to open in a browser."""

    def __init__(self, config: Config, embedded: Embedded, bound: socket.socket, *, threads: int) -> None:
        self._writer = CoalescingWriter(embedded.client, PARTITION)
        self._app = create_app(config, embedded.client, self._writer)
        # It warns of every request that waits for a thread, which a busy minute does thousands of times.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server = create_server(
            self._app,
            sockets=[bound],
            threads=threads,
            backlog=BACKLOG,
            connection_limit=CONNECTION_LIMIT,
            # The default, select(), fails for good once a file has a number above 1,023.
            asyncore_use_poll=True,
            channel_timeout=CHANNEL_TIMEOUT_SECONDS,
            max_request_body_size=LARGEST_BODY_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        host = "localhost" if config.host in ("127.0.0.1", "::1", "localhost") else config.host
        if ":" in host:
            host = f"[{host}]"
        self.address = f"http://{host}:{config.port}"
        self._thread = threading.Thread(target=self._server.run, name="gateway", daemon=True)

    def __enter__(self) -> "GatewayServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Requests that are being answered come first: closing takes their way out.
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=STOP_SECONDS)
        self._server.close()
        self._writer.close()
        close(self._app)
