"""The gateway of a distributed installation: gunicorn with gevent workers. `python -m
deploy.serve_gateway`.
"""

import os
import subprocess
import sys
import tempfile

from deploy.gateway_metrics import SHARED_FOLDER
from shared import config as configuration

WORKERS = 2
CONNECTIONS_PER_WORKER = 1000
GRACE_SECONDS = 10


def main() -> None:
    config = configuration.load()
    if config.metrics_port:
        # The workers write their metrics into a folder, from which a process of its own adds them up.
        os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="medtown-gateway-")
        subprocess.Popen([sys.executable, "-m", "deploy.gateway_metrics", str(os.getpid())])
    # The master imports nothing of ours but the configuration; each worker patches itself first (gunicorn
    # does so for gevent) and then builds the application.
    arguments = [
        *("--bind", f"{config.host}:{config.port}"),
        *("--worker-class", "deploy.gateway_worker.GatewayWorker"),
        *("--workers", str(WORKERS)),
        *("--worker-connections", str(CONNECTIONS_PER_WORKER)),
        *("--graceful-timeout", str(GRACE_SECONDS)),
        *("--log-level", "warning"),
        *("--name", "medtown-gateway"),
        "deploy.gateway_gevent:application()",
    ]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *arguments])


if __name__ == "__main__":
    main()
