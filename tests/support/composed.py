"""An installation as docker-compose.yml tells it: its very commands, variables, users, definitions and roles,
on the private broker and cluster. Only host names, ports and the paths of what is mounted are others.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.installing import secrets
from tests.support.broker import PrivateBroker
from tests.support.cluster import PrivateCluster
from tests.support.deployment import COMMAND_SECONDS, PROJECT, Deployment
from tests.support.ports import free_port

COMPOSE_FILE = PROJECT / "docker-compose.yml"
BROKER_CONFIGURATION = PROJECT / "deploy" / "rabbitmq" / "rabbitmq.conf"
SECRETS = "/run/secrets"
VOLUMES = "/var/lib/medtown"
OPENED = {"0.0.0.0": "127.0.0.1"}


def compose_file() -> dict[str, Any]:
    """docker-compose.yml, read."""
    read: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return read


def filled_in(value: str, variables: Mapping[str, str]) -> str:
    """A value with its `${NAME:-default}` filled in, as compose does."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1], found[2]), value)


class ComposedDeployment(Deployment):
    """Everything that the compose file starts of ours."""

    kind = "compose"

    def __init__(self, cluster: PrivateCluster) -> None:
        super().__init__()
        self._cluster = cluster
        self._services: dict[str, Any] = self.file["services"]
        self.processes = [name for name, entry in self._services.items() if is_process(entry)]
        self._ports = {name: free_port() for name in self.processes}
        self._make_secrets("rabbitmq:5672", "postgres:5432")
        self.broker = PrivateBroker(self.secrets / secrets.DEFINITIONS, _broker_configuration())
        # Made again with where the servers are: what was there must have stayed.
        self._make_secrets(f"127.0.0.1:{self.broker.port}", f"127.0.0.1:{cluster.port}")
        for name in self._services:
            self._mount(name)

    @cached_property
    def file(self) -> dict[str, Any]:
        return compose_file()

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def amqp_url(self, process: str) -> str:
        return (self.secrets / process / secrets.AMQP_URL).read_text().strip()

    def database_url(self, process: str) -> str:
        return (self.secrets / process / secrets.DATABASE_URL).read_text().strip()

    @property
    def superuser_url(self) -> str:
        return self._cluster.url("postgres").replace("postgresql+psycopg", "postgresql")

    def prepare(self) -> None:
        """What runs once, before the processes."""
        self._make_databases()
        migrations = [name for name, entry in self._services.items() if is_migration(entry)]
        # Side by side, as compose runs them.
        with ThreadPoolExecutor() as pool:
            for done in pool.map(lambda name: self.medtown(*self.arguments(name), process=name), migrations):
                assert done.returncode == 0, done.stderr

    def environment(self, process: str) -> Mapping[str, str]:
        places = {"MEDTOWN_PORT": str(self.port), "MEDTOWN_METRICS_PORT": str(self._ports.get(process, 0))}
        given = self._services[process].get("environment", {})
        mapped = {name: self._here(process, filled_in(value, {})) for name, value in given.items()}
        mapped |= {name: value for name, value in places.items() if name in mapped}
        # The image says so.
        return {"MEDTOWN_DATA": str(self.data), **mapped}

    def arguments(self, process: str) -> Sequence[str]:
        command: list[str] = self._services[process]["command"]
        return command

    def ready_urls(self) -> list[str]:
        return [*map(self.metrics_url, self._running), *super().ready_urls()]

    def metrics_url(self, process: str) -> str:
        """Where the process answers /livez, /readyz and /metrics."""
        return f"http://127.0.0.1:{self._ports[process]}"

    def healthcheck(self, process: str) -> int:
        """The exit code of the entry's own health check."""
        kind, python, script = self._services[process]["healthcheck"]["test"]
        assert (kind, python) == ("CMD", "python")
        done = subprocess.run(
            ["python3", script.replace("/app", str(PROJECT))],
            env=self._environment(process),
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return done.returncode

    def close(self) -> None:
        super().close()
        self.broker.close()

    def _make_secrets(self, broker: str, database: str) -> None:
        secrets.make(self.secrets, broker, database)

    def _make_databases(self) -> None:
        entry = self._services["databases"]
        [mount] = entry["volumes"]
        source, target, _ = mount.split(":")
        command = [part.replace(target, str(PROJECT / source)) for part in entry["entrypoint"]]
        variables = {name: self._here("databases", value) for name, value in entry["environment"].items()}
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self._cluster.port)}
        done = subprocess.run(
            command, env={"PATH": "/usr/bin:/bin", **variables, **where}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    def _here(self, process: str, value: str) -> str:
        """A value of the compose file, as it is on this machine."""
        if value.startswith(SECRETS):
            return str(self._mounts(process)) + value.removeprefix(SECRETS)
        if value.startswith(VOLUMES):
            return str(self.folder / "volumes") + value.removeprefix(VOLUMES)
        return OPENED.get(value, value)

    def _mounts(self, process: str) -> Path:
        return self.folder / "mounted" / process

    def _mount(self, process: str) -> None:
        """Put an entry's secrets where it will look for them."""
        for secret in self._services[process].get("secrets", []):
            place = self._mounts(process) / secret["target"].removeprefix(SECRETS + "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            file = self.file["secrets"][secret["source"]]["file"]
            place.symlink_to(self.folder / file.removeprefix("./"))


def _broker_configuration() -> str:
    """rabbitmq.conf, without the path of its definitions."""
    lines = BROKER_CONFIGURATION.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("load_definitions"))


def is_process(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the compose file is a process of ours that runs all the time."""
    return entry.get("command", [""])[0] == "serve"


def is_migration(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the compose file brings a database to the newest version and ends."""
    return entry.get("command", [""])[0] == "migrate"


@pytest.fixture(scope="session")
def composed(cluster: PrivateCluster) -> Iterator[ComposedDeployment]:
    """The installation of docker-compose.yml, running."""
    if not cluster.is_private:
        pytest.skip("a server that was given has roles and users of its own")
    with ComposedDeployment(cluster) as deployment:
        deployment.prepare()
        deployment.broker.wait_until_ready()
        deployment.start_all()
        deployment.wait_until_ready()
        deployment.create_admin()
        yield deployment
