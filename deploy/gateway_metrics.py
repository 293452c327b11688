"""Health and metrics of a gateway with several workers: `python -m deploy.gateway_metrics MASTER_PID`.

Started by `deploy.serve_gateway` beside the master; adds up what the workers write into the shared folder,
and ends with the master, however that ends.
"""

import os
import shutil
import signal
import sys
import threading

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the metrics library learns of the folder; it is read when the library is imported."""
LOOK_SECONDS = 0.5
ANSWER_SECONDS = 2.0


def main(master: int) -> None:
    from urllib.error import URLError
    from urllib.request import urlopen

    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    from deploy.health import healthy
    from shared import config as configuration
    from shared.observability import logs

    config = configuration.load()
    logs.configure(config.log_level, "gateway-metrics")
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def answers() -> bool:
        try:
            with urlopen(f"http://{config.host}:{config.port}/livez", timeout=ANSWER_SECONDS) as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

    try:
        with healthy(config, "gateway", checks={"answers": answers}, metrics=registry):
            while os.getppid() == master and not stop.is_set():
                stop.wait(LOOK_SECONDS)
    finally:
        shutil.rmtree(os.environ[SHARED_FOLDER], ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
