"""What every process has besides its work: health, metrics, and whom it believes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared.auth.keys import TRUSTED_FILE, load_trusted
from shared.auth.tokens import Verifier
from shared.config import Config
from shared.observability.health import HealthServer, passes

if TYPE_CHECKING:  # the gateway's processes have no database and answer no calls
    from shared.db.engine import Database
    from shared.messaging.service import Service

READY_METRIC = "process_ready"


def verifier_for(config: Config) -> "Callable[[Service], Verifier]":
    """Makes the verifier of a service's calls from the file of trusted issuers."""
    trusted = load_trusted(config.keys / TRUSTED_FILE)
    return lambda service: Verifier(service.token_audience, trusted)


@contextmanager
def healthy(
    config: Config,
    process: str,
    database: "Database | None" = None,
    *,
    checks: Mapping[str, Callable[[], bool]],
    metrics: CollectorRegistry = REGISTRY,
) -> Iterator[None]:
    """Answer /livez, /readyz and /metrics on the metrics port, where one is configured, while the block
    runs. Raises CommandRefused where that port is taken.
    """
    if config.metrics_port == 0:
        yield
        return
    checks = dict(checks)
    if config.distributed:
        from shared.messaging.amqp.probe import broker_answers

        checks["broker"] = lambda: broker_answers(config.amqp_url)
    if database is not None:
        checks["database"] = lambda: _answers(database)
        if process in SERVICES:
            from deploy.databases import is_migrated

            checks["migrations"] = lambda: is_migrated(process, database)
    server = HealthServer(config.metrics_host, config.metrics_port, checks, metrics)
    readiness = _Readiness(checks)
    try:
        server.start()
    except OSError as error:
        raise CommandRefused(
            f"MEDTOWN_METRICS_PORT is {config.metrics_port}, which cannot be used: {error.strerror}"
        ) from error
    metrics.register(readiness)
    try:
        yield
    finally:
        metrics.unregister(readiness)
        server.stop()


class _Readiness(Collector):
    """The checks of /readyz as a metric, asked when somebody looks."""

    def __init__(self, checks: Mapping[str, Callable[[], bool]]) -> None:
        self._checks = checks

    def describe(self) -> Iterable[Metric]:
        return [self._family()]

    def collect(self) -> Iterable[Metric]:
        family = self._family()
        for name, check in self._checks.items():
            family.add_metric([name], float(passes(name, check)))
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(READY_METRIC, "1 while a check of /readyz passes, else 0", labels=["check"])


def _answers(database: "Database") -> bool:
    with database.read() as connection:
        return connection.exec_driver_sql("SELECT 1").scalar() == 1
