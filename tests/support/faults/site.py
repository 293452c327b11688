"""What faults are done to: a distributed installation with replicas, a supervisor and load."""

import os
import signal
from functools import partial
from types import TracebackType
from typing import Any, Self

import psycopg
import requests

from tests.support.api import Town, administrator
from tests.support.broker import PrivateBroker
from tests.support.cluster import PrivateCluster
from tests.support.cutting import CuttingProxy
from tests.support.deployment import DistributedDeployment
from tests.support.faults.set_clock import SettableClock
from tests.support.faults.steady_load import SteadyLoad
from tests.support.faults.supervisor import Supervisor
from tests.support.waiting import wait_until

WRITER = "ledger-writer"
STANDBY = "ledger-writer~2"
REPLICAS = ("ledger", "ledger~2")
PROCESSES = (
    WRITER,
    *REPLICAS,
    "identity",
    "dashboard",
    "ledger-jobs",
    "dashboard-jobs",
    "identity-jobs",
    "gateway",
)
READY_SECONDS = 60.0
PROBE_SECONDS = 3.0


class Site:
    """Inside the block, a second replica answers queries, the writer's way to its database can be cut, its
    clock be set, and what ends is started again.
    """

    def __init__(
        self, deployment: DistributedDeployment, broker: PrivateBroker, cluster: PrivateCluster, seed: int
    ) -> None:
        self.deployment = deployment
        self.broker = broker
        self.cluster = cluster
        self.proxy = CuttingProxy(cluster.port)
        self.clock = SettableClock(deployment.folder / "clock")
        """What the writer goes by, and identity once it has been started again."""
        self.supervisor = Supervisor(deployment, PROCESSES)
        self._prepare(True)
        deployment.add(REPLICAS[1])
        deployment.add(STANDBY)
        deployment.start(REPLICAS[1])
        self.wait_until_ready()
        self.town = Town(administrator(deployment.base_url))
        self.load = SteadyLoad(self.town, seed)
        self.first_sequence = self.last_sequence() + 1
        """The load's records are from here on; those that made its accounts come before."""

    def __enter__(self) -> Self:
        self.supervisor.start()
        self.load.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(self.deployment.logs())
        self.load.stop()
        self.supervisor.stop()
        self.deployment.forget(REPLICAS[1])
        self._prepare(False)
        self.proxy.close()
        self.deployment.wait_until_ready()

    def kill(self, process: str) -> None:
        """kill -9; the supervisor starts it again."""
        self.deployment.kill(process)

    def send_signal(self, process: str, number: signal.Signals) -> None:
        """To a process and its children."""
        os.killpg(self.deployment.pid(process), number)

    def wait_until_ready(self) -> None:
        """Return once every process and the gateway say that they are ready."""
        urls = [self.deployment.base_url, *map(self.deployment.metrics_url, PROCESSES)]
        for url in urls:
            wait_until(partial(answers, url, "/readyz"), READY_SECONDS, f"{url} to be ready")

    def rows(self, service: str, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a service's database answers to its superuser; empty where a statement tells nothing."""
        url = self.deployment.database_url(service).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(statement.encode(), parameters)
            return found.fetchall() if found.description else []

    def last_sequence(self) -> int:
        """Up to which record the journal goes."""
        return int(self.rows("ledger", "SELECT last_sequence FROM partitions WHERE id = 0")[0][0])

    def metric(self, process: str, name: str, **labels: str) -> float:
        """A process's figure, 0 where it tells none: the sum over the labels that are not given."""
        text = requests.get(self.deployment.metrics_url(process) + "/metrics", timeout=PROBE_SECONDS).text
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.partition("{")[0].partition(" ")[0] == name and all(part in line for part in wanted)
        )

    def _prepare(self, wanted: bool) -> None:
        """Have the writer go through the proxy, and go by the clock; or all be as it was."""
        url = self.deployment.database_url("ledger")
        proxied = url.replace(f":{self.cluster.port}/", f":{self.proxy.port}/")
        settable = dict(self.clock.environment)
        self.deployment.changed = (
            {WRITER: {"MEDTOWN_DATABASE_URL": proxied, **settable}, "identity": settable} if wanted else {}
        )
        if not self.deployment.has_ended(WRITER):
            self.deployment.kill(WRITER)
        self.deployment.start(WRITER)


def answers(url: str, path: str) -> bool:
    """Whether a health address answers well."""
    try:
        return requests.get(url + path, timeout=PROBE_SECONDS).ok
    except requests.RequestException:
        return False
