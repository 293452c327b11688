"""A private RabbitMQ for one test run."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from tests.support.guarded import GuardedFolder
from tests.support.ports import accepts_connections, free_port
from tests.support.waiting import wait_until

START_SECONDS = 60.0
STOP_SECONDS = 30.0
SYSTEM_USER = "rabbitmq"
TEST_USER = "tests"
URL_VARIABLE = "MEDTOWN_TEST_AMQP_URL"

# Debian's own wrapper in the PATH insists on its user and its folders; the server's script behind it does
# not.
SERVER_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class PrivateBroker:
    """A RabbitMQ server on free loopback ports, in a temporary folder, with an epmd of its own.

    `definitions` (a JSON file or what it would contain: users, vhosts, permissions) is loaded when the server
    first starts; a user of the tests' own, allowed everything in each of its virtual hosts, is added to it.
    `configuration` are further lines of its rabbitmq.conf.
    Where MEDTOWN_TEST_AMQP_URL is set, that broker is used as it is: `is_private` is then False, every URL is
    that one, and it can be neither stopped nor killed.

    Once made it is starting, which takes seconds: other things can be made meanwhile, until
    `wait_until_ready`. As a context manager it is ready inside.
    """

    def __init__(self, definitions: Path | Mapping[str, Any] | None = None, configuration: str = "") -> None:
        self._given_url = os.environ.get(URL_VARIABLE)
        self.is_private = self._given_url is None
        if not self.is_private:
            return
        self._script = _server_script()
        self.port = free_port()
        self._epmd_port = free_port()
        self._distribution_port = free_port()
        self._password = secrets.token_urlsafe(16)
        self._folder = GuardedFolder("medtown-amqp-", SYSTEM_USER)
        self._log = self._folder.path / "broker.log"
        self._virtual_host = self._write_configuration(_read(definitions), configuration)
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def amqp_url(self) -> str:
        """The URL of a user who may do everything in the first virtual host."""
        return self.url(TEST_USER, None)

    def url(self, user: str, password: str | None, vhost: str | None = None) -> str:
        """The URL for this user; without `vhost` the first virtual host of the definitions."""
        if self._given_url is not None:
            return self._given_url
        secret = self._password if user == TEST_USER and password is None else password or ""
        host = quote(self._virtual_host if vhost is None else vhost, safe="")
        return f"amqp://{quote(user, safe='')}:{quote(secret, safe='')}@127.0.0.1:{self.port}/{host}"

    def start(self) -> None:
        """Start it, again on the same ports and data, and return once it answers."""
        self._must_be_private()
        self._begin()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once it answers.

        Raises TimeoutError or RuntimeError with the end of its log where it does not.
        """
        if not self.is_private:
            return
        try:
            wait_until(self._answers, START_SECONDS, "RabbitMQ to answer")
        except (TimeoutError, RuntimeError) as error:
            raise type(error)(f"{error}\n{self._last_lines()}") from None

    def stop(self) -> None:
        """Stop it as an operator would; data stay. Returns once none of its processes is left."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it without warning (SIGKILL), as a power cut would; data stay.

        RabbitMQ writes down twice a second which quorum queues it hosts: one declared less than half a second
        before answers 541 after the next start (seen with 3.10.8).
        """
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End all its processes and remove its folder. May be called again."""
        if self.is_private:
            self._folder.close()

    def processes(self) -> list[int]:
        """The ids of its living processes."""
        return self._folder.processes() if self.is_private else []

    def __enter__(self) -> Self:
        try:
            self.wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        environment = self._environment()
        self._epmd = self._folder.run(["epmd", "-port", str(self._epmd_port)], environment, self._log)
        wait_until(lambda: accepts_connections(self._epmd_port), 10, "epmd to listen")
        self._server = self._folder.run([self._script], environment, self._log)

    def _must_be_private(self) -> None:
        if not self.is_private:
            raise RuntimeError(f"the broker of {URL_VARIABLE} is not ours to start, stop or kill")

    def _answers(self) -> bool:
        if self._server is not None and self._server.poll() is not None:
            raise RuntimeError(f"RabbitMQ ended with exit code {self._server.returncode} while starting")
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"  # a method frame: Connection.Start

    def _end(self, number: signal.Signals) -> None:
        self._must_be_private()
        assert self._server is not None, "not started"
        assert self._epmd is not None
        # The server's script stays as the parent of the Erlang machine and ends after it.
        for process in self.processes():
            # It may be one of the small helpers that come and go.
            with suppress(FileNotFoundError, ProcessLookupError):
                if Path(f"/proc/{process}/comm").read_text(encoding="utf-8").startswith("beam"):
                    os.kill(process, number)
        self._server.wait(timeout=STOP_SECONDS)
        self._epmd.kill()
        self._epmd.wait()
        wait_until(lambda: not self.processes(), STOP_SECONDS, "the helpers of RabbitMQ to end")

    def _environment(self) -> dict[str, str]:
        folder = self._folder.path
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"medtown-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            # The machine's own settings must not reach this server.
            "RABBITMQ_CONF_ENV_FILE": str(folder / "no-rabbitmq-env.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "no-advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _write_configuration(self, definitions: dict[str, Any], configuration: str) -> str:
        """Write configuration and definitions; return the name of the first virtual host."""
        folder = self._folder.path
        hosts = [host["name"] for host in definitions.setdefault("vhosts", [])] or ["/"]
        definitions["vhosts"] = definitions["vhosts"] or [{"name": "/"}]
        definitions.setdefault("users", []).append(
            {"name": TEST_USER, "password": self._password, "tags": "administrator"}
        )
        definitions.setdefault("permissions", []).extend(
            {"user": TEST_USER, "vhost": host, "configure": ".*", "write": ".*", "read": ".*"}
            for host in hosts
        )
        (folder / "definitions.json").write_text(json.dumps(definitions), encoding="utf-8")
        (folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        (folder / "rabbitmq.conf").write_text(
            f"{configuration}\nload_definitions = {folder}/definitions.json\n", encoding="utf-8"
        )
        if self._folder.system_user is not None:
            for entry in folder.iterdir():
                shutil.chown(entry, self._folder.system_user)
        return str(hosts[0])

    def _last_lines(self) -> str:
        logs = [self._log, *sorted((self._folder.path / "log").glob("*.log"))]
        texts = [log.read_text(encoding="utf-8", errors="replace")[-3000:] for log in logs if log.exists()]
        return "\n".join(texts)


def _read(definitions: Path | Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy of the definitions that may be changed."""
    if definitions is None:
        return {}
    text = (
        definitions.read_text(encoding="utf-8") if isinstance(definitions, Path) else json.dumps(definitions)
    )
    return dict(json.loads(text))


def _server_script() -> Path:
    if SERVER_SCRIPT.exists():
        return SERVER_SCRIPT
    found = shutil.which("rabbitmq-server")
    if found is None:
        raise FileNotFoundError(
            f"RabbitMQ is missing: install the package rabbitmq-server, or set {URL_VARIABLE}"
        )
    return Path(found)
