"""A container's health: exit code 0 when its process says on the metrics port that it is ready, else 1."""

import http.client
import os
import sys

TIMEOUT_SECONDS = 6


def ready(host: str, port: int) -> bool:
    """Whether /readyz answers 200."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not ready("127.0.0.1", int(os.environ["MEDTOWN_METRICS_PORT"])))
