"""A service's periodic work in a process of plain threads: `python -m deploy.serve_jobs SERVICE`."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from amqp.exceptions import AccessRefused

from deploy.collecting import collect_seldom
from deploy.databases import require_whole_at_start
from deploy.health import healthy
from deploy.refusals import as_one_line
from deploy.services import SERVICES
from shared import config as configuration
from shared.config import Config
from shared.db.engine import Database
from shared.jobs import JobRunner
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.amqp.connection import CONNECTION_FAULTS
from shared.messaging.amqp.journal_consumer import JournalConsumer
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.amqp.topology import all_declared, declare
from shared.observability import logs

BROKER_RETRY_SECONDS = 1.0
NICENESS = 5
"""Payments go first where there is too little for all: what is told of them may be told a moment later. It is
a third of the weight of others, so that the moment does not grow for ever.
"""

log = logs.get_logger(__name__)


@contextmanager
def _working(config: Config, service: str) -> Iterator[Database]:
    """Run a service's jobs, and consume the journals that it follows, while the block runs."""
    owner = SERVICES[service]
    table = owner.table()
    client = AmqpClient(config.amqp_url, name=f"{service}-jobs")
    publisher = AmqpPublisher(config.amqp_url)
    resources = owner.build(config, client)
    runner = JobRunner(owner.jobs(resources, publisher))
    consumer = None
    if table.journals:
        consumer = JournalConsumer(table, resources, config.amqp_url, partitions=(config.partition,))
        consumer.start()
    runner.start()
    try:
        yield resources.database
    finally:
        runner.stop()
        if consumer is not None:
            consumer.stop()
        publisher.close()
        resources.close()
        client.close()


def _all_declared(config: Config, stop: threading.Event) -> bool:
    """See that all consumers' queues are there, waiting for a broker that is away; False where asked to stop
    first.

    What is missing is made where this process's user may do so, as when one user does everything; else it is
    waited for, since the broker's definitions or the consumers themselves make it.
    """
    tables = [owner.table() for owner in SERVICES.values()]
    while not stop.is_set():
        try:
            if not all_declared(tables, config.amqp_url):
                declare(tables, config.amqp_url)
            return True
        except AccessRefused as error:
            log.warning("queues_missing", reason=str(error), retry_seconds=BROKER_RETRY_SECONDS)
        except CONNECTION_FAULTS as error:
            log.warning("broker_away", reason=str(error), retry_seconds=BROKER_RETRY_SECONDS)
        stop.wait(BROKER_RETRY_SECONDS)
    return False


def main(service: str) -> None:
    config = configuration.load()
    logs.configure(config.log_level, f"{service}-jobs")
    require_whole_at_start(config, service)
    os.nice(NICENESS)
    collect_seldom()
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    if not _all_declared(config, stop):
        return
    with _working(config, service) as database, healthy(config, service, database, checks={}):
        stop.wait()


if __name__ == "__main__":
    with as_one_line():
        main(sys.argv[1])
