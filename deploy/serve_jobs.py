"""A service's periodic work in a process of plain threads: `python -m deploy.serve_jobs
ledger|identity|dashboard`.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from deploy.health import healthy
from deploy.refusals import as_one_line
from services.cop.identity.service import SERVICE as IDENTITY
from services.dashboard.service import SERVICE as DASHBOARD
from services.ledger.service import SERVICE as LEDGER
from shared import config as configuration
from shared.config import Config
from shared.db.engine import Database
from shared.jobs import JobRunner
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.amqp.journal_consumer import JournalConsumer
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.amqp.topology import declare
from shared.observability import logs

BROKER_RETRY_SECONDS = 1.0

log = logs.get_logger(__name__)

CONSUMERS = (LEDGER, IDENTITY, DASHBOARD)
"""Whose queues must exist before anything is published."""


@contextmanager
def _ledger(config: Config) -> Iterator[Database]:
    from services.ledger.jobs import jobs
    from services.ledger.resources import build

    resources = build(config)
    publisher = AmqpPublisher(config.amqp_url)
    with _running(JobRunner(jobs(resources, publisher))):
        yield resources.database
    publisher.close()
    resources.close()


@contextmanager
def _identity(config: Config) -> Iterator[Database]:
    from services.cop.identity.jobs import jobs
    from services.cop.identity.resources import build

    resources = build(config)
    publisher = AmqpPublisher(config.amqp_url)
    with _running(JobRunner(jobs(resources, publisher))):
        yield resources.database
    publisher.close()
    resources.close()


@contextmanager
def _dashboard(config: Config) -> Iterator[Database]:
    from services.dashboard.jobs import jobs
    from services.dashboard.resources import build

    client = AmqpClient(config.amqp_url)
    resources = build(config, client)
    consumer = JournalConsumer(DASHBOARD, resources, config.amqp_url, partitions=(config.partition,))
    consumer.start()
    with _running(JobRunner(jobs(resources))):
        yield resources.database
    consumer.stop()
    resources.close()
    client.close()


_WORKING: dict[str, Callable[[Config], AbstractContextManager[Database]]] = {
    "ledger": _ledger,
    "identity": _identity,
    "dashboard": _dashboard,
}


@contextmanager
def _running(runner: JobRunner) -> Iterator[None]:
    runner.start()
    yield
    runner.stop()


def _declared(config: Config, stop: threading.Event) -> bool:
    """Declare all consumers' queues, waiting for a broker that is away; False where asked to stop first."""
    while not stop.is_set():
        try:
            declare(CONSUMERS, config.amqp_url)
            return True
        except OSError as error:
            log.warning("broker_away", reason=str(error), retry_seconds=BROKER_RETRY_SECONDS)
            stop.wait(BROKER_RETRY_SECONDS)
    return False


def main(service: str) -> None:
    config = configuration.load()
    logs.configure(config.log_level, f"{service}-jobs")
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    if not _declared(config, stop):
        return
    with _WORKING[service](config) as database, healthy(config, service, database, checks={}):
        stop.wait()


if __name__ == "__main__":
    with as_one_line():
        main(sys.argv[1])
