"""A private PostgreSQL for one test run."""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import LiteralString, Self
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from tests.support.guarded import GuardedFolder
from tests.support.ports import free_port
from tests.support.waiting import wait_until

START_SECONDS = 30.0
STOP_SECONDS = 30.0
SYSTEM_USER = "postgres"
SUPERUSER = "postgres"
URL_VARIABLE = "MEDTOWN_TEST_DATABASE_URL"


class PrivateCluster:
    """A PostgreSQL cluster on a free loopback port, in a temporary folder, with default settings (fsync on).

    It trusts whoever connects from the loopback address, so every role signs in without a password.
    Where MEDTOWN_TEST_DATABASE_URL is set, that server is used: `is_private` is then False, it can be neither
    stopped nor killed, and databases and roles get unique names and are dropped by `close()`.
    """

    def __init__(self) -> None:
        given = os.environ.get(URL_VARIABLE)
        self.is_private = given is None
        self._databases: dict[str, str] = {}
        self._roles: dict[str, str] = {}
        self._suffix = secrets.token_hex(4)
        if given is not None:
            self._base = "postgresql://" + given.partition("://")[2]
            return
        self.port = free_port()
        self._base = f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"
        self._binaries = _binaries()
        # SIGQUIT: an immediate shutdown, which frees the shared memory.
        self._folder = GuardedFolder("medtown-pg-", SYSTEM_USER, signal.SIGQUIT)
        self._log = self._folder.path / "cluster.log"
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str, role: str | None = None) -> str:
        """The SQLAlchemy URL of a database, as the superuser or as a role made by `create_role`."""
        parts = urlsplit(self._base)
        user = parts.netloc.rpartition("@")[0] if role is None else self._sign_in(role)
        host = parts.netloc.rpartition("@")[2]
        name = quote(self._databases.get(database, database), safe="")
        query = f"?{parts.query}" if parts.query else ""
        return f"postgresql+psycopg://{user}@{host}/{name}{query}"

    def create_database(self, name: str, owner: str | None = None, template: str | None = None) -> str:
        """Make a database, empty or a copy of one of these that nobody is connected to; return its URL as its
        owner (of `create_role`), else as the superuser.
        """
        real = name if self.is_private else f"{name}_{self._suffix}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(real))
        if owner is not None:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(self._real_role(owner)))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(self._databases[template]))
        self._execute(statement)
        self._databases[name] = real
        return self.url(name, owner)

    def drop_database(self, name: str) -> None:
        """Drop a database of `create_database`, whoever is still connected to it."""
        real = sql.Identifier(self._databases.pop(name))
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(real))

    def create_role(self, name: str) -> None:
        """Make a role that may sign in and nothing else."""
        password = secrets.token_hex(16)
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        self._execute(statement.format(sql.Identifier(self._real_role(name)), sql.Literal(password)))
        self._roles[name] = password

    def start(self) -> None:
        """Start it, again on the same port and data, and return once it answers.

        Raises TimeoutError or RuntimeError with the end of its log where it does not.
        """
        self._must_be_private()
        folder = self._folder.path
        command: list[str | Path] = [self._binaries / "postgres", "-D", folder / "data", "-p", str(self.port)]
        self._server = self._folder.run(command, self._environment(), self._log)
        try:
            wait_until(self._answers, START_SECONDS, "PostgreSQL to answer")
        except (TimeoutError, RuntimeError) as error:
            raise type(error)(f"{error}\n{self._last_lines()}") from None

    def stop(self) -> None:
        """Stop it as an operator would (fast shutdown: open transactions are rolled back); data stay."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it without warning (SIGKILL), as a power cut would, and wait for its children; data stay."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End its processes and remove its folder; on a given server, drop what was made. May be repeated."""
        if self.is_private:
            self._folder.close()
            return
        for database in list(self._databases):
            self.drop_database(database)
        for role in list(self._roles):
            self._execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(self._real_role(role))))
            del self._roles[role]

    def processes(self) -> list[int]:
        """The ids of its living processes."""
        return self._folder.processes() if self.is_private else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sign_in(self, role: str) -> str:
        return f"{quote(self._real_role(role), safe='')}:{self._roles[role]}"

    def _real_role(self, name: str) -> str:
        return name if self.is_private else f"{name}_{self._suffix}"

    def _execute(self, statement: sql.SQL | sql.Composed | LiteralString) -> None:
        with psycopg.connect(self._base, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)

    def _must_be_private(self) -> None:
        if not self.is_private:
            raise RuntimeError(f"the server of {URL_VARIABLE} is not ours to start, stop or kill")

    def _answers(self) -> bool:
        if self._server is not None and self._server.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with exit code {self._server.returncode} while starting")
        try:
            self._execute("SELECT 1")
        except psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from error
        return True

    def _end(self, number: signal.Signals) -> None:
        self._must_be_private()
        assert self._server is not None, "not started"
        self._server.send_signal(number)
        self._server.wait(timeout=STOP_SECONDS)
        wait_until(lambda: not self.processes(), STOP_SECONDS, "the children of PostgreSQL to end")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self._folder.path),
        }

    def _initialise(self) -> None:
        folder = self._folder.path
        options = ["-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust"]
        # --no-sync: only the empty cluster's files are not flushed; the server itself runs with fsync on.
        command: list[str | Path] = [self._binaries / "initdb", "-D", folder / "data", *options, "--no-sync"]
        made = self._folder.run(command, self._environment(), self._log)
        if made.wait(timeout=START_SECONDS) != 0:
            raise RuntimeError(f"initdb failed\n{self._last_lines()}")
        settings = [
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{folder}'",
            # Files in the folder instead of /dev/shm, so that a killed server leaves nothing outside of it.
            "dynamic_shared_memory_type = mmap",
        ]
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write("\n" + "\n".join(settings) + "\n")

    def _last_lines(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:] if self._log.exists() else ""


def _binaries() -> Path:
    """The folder of initdb and postgres: the newest of Debian's, else where the PATH finds them."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise FileNotFoundError(
            f"PostgreSQL is missing: install the package postgresql, or set {URL_VARIABLE}"
        )
    return Path(found).resolve().parent
