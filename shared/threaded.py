"""Small servers with a thread per connection, as the standard library makes them, but with a limit."""

import socketserver
import threading
from typing import Any

from shared.observability.logs import get_logger

POLL_SECONDS = 0.1

log = get_logger(__name__)


class Threaded(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves at most `max_connections` at once; one more is closed without an answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    max_connections = 32

    def __init__(self, address: Any, handler: Any) -> None:
        self._free = threading.BoundedSemaphore(self.max_connections)
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,), daemon=True)
        super().__init__(address, handler)

    def start(self) -> None:
        """Accept connections, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more."""
        if self._thread.ident is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("connection_failed", server=type(self).__qualname__)
