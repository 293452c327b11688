"""A running installation to test against: embedded, or distributed over the private broker and cluster."""

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import requests

from deploy.databases import migrate
from deploy.services import SERVICES
from shared import config as configuration
from shared.auth.keys import ensure_keys
from tests.support.broker import PrivateBroker
from tests.support.cluster import PrivateCluster
from tests.support.guarded import GuardedFolder
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_SECONDS = 60.0
STOP_SECONDS = 20.0
COMMAND_SECONDS = 300.0
ADMIN_EMAIL = "admin@example.org"
ADMIN_PASSWORD = "correct horse battery"
PROJECT = Path(__file__).parents[2]
MEDTOWN = (sys.executable, "-m", "deploy.cli")


class Deployment(ABC):
    """An installation in a temporary folder, with one administrator. Its processes can be killed and started
    again. `changed` are variables of single processes.
    """

    kind: str
    processes: Sequence[str]

    def __init__(self) -> None:
        self._guarded = GuardedFolder("medtown-")
        self.folder = self._guarded.path
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.changed: dict[str, dict[str, str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @abstractmethod
    def environment(self, process: str) -> Mapping[str, str]:
        """The variables of one process, or of the command "tools"."""

    @abstractmethod
    def arguments(self, process: str) -> Sequence[str]:
        """What follows `medtown` to run it."""

    @abstractmethod
    def database_url(self, service: str) -> str:
        """The SQLAlchemy URL of a service's database."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def medtown(
        self, *arguments: str, process: str = "tools", stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the `medtown` command beside the installation, with the variables of one of its processes."""
        return subprocess.run(
            [*MEDTOWN, *arguments],
            env=self._environment(process),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def create_admin(self) -> None:
        """Register the administrator and operator that tests sign in as."""
        done = self.medtown(
            *("create-admin", "--email", ADMIN_EMAIL, "--name", "Administrator", "--password-stdin"),
            stdin=ADMIN_PASSWORD + "\n",
        )
        assert done.returncode == 0, done.stderr

    def start(self, process: str) -> None:
        self._running[process] = self._guarded.run(
            [*MEDTOWN, *self.arguments(process)],
            self._environment(process),
            self.folder / f"{process}.log",
        )

    def start_all(self) -> None:
        for process in self.processes:
            self.start(process)

    def kill(self, process: str) -> None:
        """kill -9 of the process and its children."""
        self._signal(process, signal.SIGKILL)

    def stop(self, process: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the process to end, see that it does, and return its exit code."""
        self._signal(process, number)
        return self._running[process].returncode

    def pid(self, process: str) -> int:
        return self._running[process].pid

    def exit_code(self, process: str) -> int | None:
        """None while it runs."""
        return self._running[process].poll()

    def has_ended(self, process: str) -> bool:
        return self._running[process].poll() is not None

    def wait_until_ready(self) -> None:
        """Wait until the gateway and the services behind it answer."""
        try:
            # One after the other: asking those again that are ready would keep the others from starting.
            for url in self.ready_urls():
                wait_until(partial(self._is_ready, url), START_SECONDS, f"{url} of {self.kind} to be ready")
        except BaseException:
            print(self.logs())
            raise

    def ready_urls(self) -> list[str]:
        """Where /readyz answers for all that runs."""
        return [self.base_url]

    def logs(self, characters: int = 3000) -> str:
        """The last lines of every process's log."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"--- {file.name}\n{file.read_text(errors='replace')[-characters:]}" for file in files
        )

    def close(self) -> None:
        stopping = [process for process in self._running if not self.has_ended(process)]
        for process in reversed(stopping):
            self._running[process].send_signal(signal.SIGTERM)
        for process in stopping:
            self._wait_for_end(process)
        # Those that they started beside them tidy up after them.
        wait_until(lambda: not self._guarded.processes(), STOP_SECONDS, "the helpers of all to end")
        self._guarded.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_ready(self, url: str) -> bool:
        for process, running in self._running.items():
            if running.poll() is not None:
                # No AssertionError, which would be waited over.
                raise RuntimeError(f"{process} ended with exit code {running.returncode}")
        try:
            return requests.get(f"{url}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def _signal(self, process: str, number: signal.Signals) -> None:
        running = self._running[process]
        if number is signal.SIGKILL:
            os.killpg(running.pid, number)
        else:
            running.send_signal(number)
        self._wait_for_end(process)

    def _wait_for_end(self, process: str) -> None:
        running = self._running[process]
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            raise AssertionError(f"{process} did not stop within {STOP_SECONDS} s\n{self.logs()}") from None

    def _environment(self, process: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEDTOWN_")}
        inherited["PYTHONPATH"] = str(PROJECT)
        return {**inherited, "MEDTOWN_LOG_LEVEL": "info", **self.environment(process)}


class EmbeddedDeployment(Deployment):
    """Everything in the one process "up"; with the demo data where `demo` is "auto"."""

    kind = "embedded"
    processes = ("up",)

    def __init__(self, demo: str = "off") -> None:
        super().__init__()
        self._demo = demo

    def environment(self, process: str) -> Mapping[str, str]:
        variables = {
            "MEDTOWN_PORT": str(self.port),
            "MEDTOWN_DATA": str(self.data),
            "MEDTOWN_DEMO": self._demo,
        }
        return {**variables, **self.changed.get(process, {})}

    def arguments(self, process: str) -> Sequence[str]:
        return ("up",)

    def database_url(self, service: str) -> str:
        return f"sqlite:///{self.data / service}.sqlite3"


class DistributedDeployment(Deployment):
    """Every process by itself, on the private broker and the private cluster.

    Further processes of a kind have names such as "ledger~2".
    """

    kind = "distributed"
    processes = ("ledger-writer", *SERVICES, *(f"{service}-jobs" for service in SERVICES), "gateway")

    def __init__(self, broker: PrivateBroker, cluster: PrivateCluster, name: str = "medtown") -> None:
        super().__init__()
        self._broker = broker
        self._databases = {service: cluster.create_database(f"{name}_{service}") for service in SERVICES}
        self._metrics_ports = {process: free_port() for process in self.processes}
        ensure_keys(self.folder / "keys")
        for service in self._databases:
            # Not by the command, whose start takes ten times as long.
            migrate(configuration.load(self.environment(service)), service)

    def environment(self, process: str) -> Mapping[str, str]:
        variables = {
            "MEDTOWN_AMQP_URL": self._broker.amqp_url,
            "MEDTOWN_KEYS": str(self.folder / "keys"),
            "MEDTOWN_PORT": str(self.port),
            "MEDTOWN_DATA": str(self.data),
            "MEDTOWN_BLOBS": str(self.folder / "blobs"),
        }
        service = kind_of(process).removesuffix("-jobs").removesuffix("-writer")
        if service in self._databases:
            variables["MEDTOWN_DATABASE_URL"] = self._databases[service]
        if process in self._metrics_ports:
            variables["MEDTOWN_METRICS_PORT"] = str(self._metrics_ports[process])
        return {**variables, **self.changed.get(process, {})}

    def arguments(self, process: str) -> Sequence[str]:
        kind = kind_of(process)
        if kind.endswith("-jobs"):
            return ("serve", "jobs", "--service", kind.removesuffix("-jobs"))
        return ("serve", kind)

    def database_url(self, service: str) -> str:
        return self._databases[service]

    def add(self, process: str) -> None:
        """Make room for a further process of a kind, such as "ledger~2", which can then be started."""
        self._metrics_ports.setdefault(process, free_port())

    def forget(self, process: str) -> None:
        """Kill a process, which from then on is none of this installation's."""
        if not self.has_ended(process):
            self.kill(process)
        del self._running[process]

    def ready_urls(self) -> list[str]:
        return [*map(self.metrics_url, self._running), *super().ready_urls()]

    def metrics_url(self, process: str) -> str:
        """Where the process answers /livez, /readyz and /metrics."""
        return f"http://127.0.0.1:{self._metrics_ports[process]}"


def kind_of(process: str) -> str:
    """The kind of a process whose name may have a number: "ledger" of "ledger~2"."""
    return process.partition("~")[0]
