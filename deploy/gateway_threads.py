"""The gateway of an embedded installation: one process, plain threads."""

import threading
from types import TracebackType

from waitress.server import create_server

from deploy.embedded import PARTITION, Embedded
from gateway.app import create_app
from shared.config import Config
from shared.messaging.coalescing import CoalescingWriter

BACKLOG = 1024
CONNECTION_LIMIT = 1000
CHANNEL_TIMEOUT_SECONDS = 60
LARGEST_BODY_BYTES = 8 * 1024 * 1024
"""Above every limit that the gateway itself sets, so that its own, clearer refusal is the one that people
see.
"""


class GatewayServer:
    """Serves the gateway until the block ends. `address` is what to open in a browser."""

    def __init__(self, config: Config, embedded: Embedded, *, threads: int) -> None:
        self._writer = CoalescingWriter(embedded.client, PARTITION)
        app = create_app(config, embedded.client, self._writer)
        self._server = create_server(
            app,
            host=config.host,
            port=config.port,
            threads=threads,
            backlog=BACKLOG,
            connection_limit=CONNECTION_LIMIT,
            channel_timeout=CHANNEL_TIMEOUT_SECONDS,
            max_request_body_size=LARGEST_BODY_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        host = "localhost" if config.host in ("127.0.0.1", "::1", "localhost") else config.host
        self.address = f"http://{host}:{config.port}"
        self._thread = threading.Thread(target=self._server.run, name="gateway", daemon=True)

    def __enter__(self) -> "GatewayServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        self._writer.close()
