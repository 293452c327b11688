"""A process that answers calls over RabbitMQ: `python -m deploy.serve_calls ledger-writer`, or a
service's name.
"""

from shared.messaging.amqp.patching import prepare_eventlet

# Before any other import: what is imported unpatched stays so.
prepare_eventlet()

import os  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

from deploy.collecting import collect_seldom  # noqa: E402
from deploy.databases import require_whole_at_start  # noqa: E402
from deploy.health import healthy, verifier_for  # noqa: E402
from deploy.refusals import EXIT_WRITER_ENDED, as_one_line  # noqa: E402
from deploy.services import SERVICES  # noqa: E402
from shared import config as configuration  # noqa: E402
from shared.config import Config  # noqa: E402
from shared.messaging.amqp.client import AmqpClient  # noqa: E402
from shared.messaging.amqp.runner import serve  # noqa: E402
from shared.messaging.blocking_eventlet import install_eventlet  # noqa: E402
from shared.messaging.service import Service  # noqa: E402
from shared.observability import logs  # noqa: E402

WRITER_WORKERS = 64
"""Calls of the writer that may wait at once; they make the next batch."""
WORKERS = 10


def main(process: str) -> None:
    config = configuration.load()
    logs.configure(config.log_level, process)
    install_eventlet()
    if process == "ledger-writer":
        require_whole_at_start(config, "ledger")
        _serve_writer(config)
        return
    require_whole_at_start(config, process)
    serving = threading.Event()
    owner = SERVICES[process]
    service, resources = owner.table(), owner.build(config, AmqpClient(config.amqp_url, name=process))
    try:
        with healthy(config, process, resources.database, checks={"serving": serving.is_set}):
            _serve(config, service, resources, WORKERS, serving)
    finally:
        resources.close()


def _serve_writer(config: Config) -> None:
    from services.ledger.resources import build_writer
    from services.ledger.service import writer_service

    writer = build_writer(config, config.partition)
    # Who lost the fence must not answer anyone any more: the process ends at once and its supervisor starts
    # another.
    writer.failed = lambda: os._exit(EXIT_WRITER_ENDED)
    serving = threading.Event()
    collect_seldom()
    writer.start()
    try:
        with healthy(
            config,
            "ledger-writer",
            checks={"leading": lambda: writer.leading, "serving": serving.is_set},
        ):
            writer.wait_until_leading()
            table = writer_service(config.partition)
            _serve(config, table, writer, WRITER_WORKERS, serving)
    finally:
        writer.stop()


def _serve(config: Config, service: Service, resources: Any, workers: int, serving: threading.Event) -> None:
    serve(
        [(service, resources)],
        config.amqp_url,
        verifier_for(config),
        on_ready=serving.set,
        max_workers=workers,
    )


if __name__ == "__main__":
    with as_one_line():
        main(sys.argv[1])
