"""A restore that is killed in the middle: nothing starts on what it left, and running it again ends it."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import inspect

from deploy.backups import timelines
from deploy.services import SERVICES
from shared.auth.keys import ensure_keys
from shared.db.engine import Database
from shared.db.migrations import is_unfinished
from tests.integration.commands.site import Site
from tests.support.cluster import PrivateCluster
from tests.support.commands import Done, medtown
from tests.support.research_log import line, log_of

LOG = log_of(line(1, "DISBURSEMENT", "city", "ana", "100"))
SECONDS = 60

KILLED_WHILE_COMMITTING = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from deploy import cli
from deploy.backups import restoring

left, write = int(sys.argv.pop(1)), restoring._write
written = False

def write_and_tell(*arguments):
    global written
    positions = write(*arguments)
    written = True
    return positions

@event.listens_for(Engine, "commit")
def commit(connection):
    global left
    if written:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

restoring._write = write_and_tell
cli.main()
"""

KILLED_BEFORE_FILES = """
import os, signal
from deploy import cli
from deploy.backups import restoring

restoring._put_files = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
cli.main()
"""


def _run(script: str, environment: Mapping[str, str], *arguments: str) -> int:
    """Run a script with these variables; its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=_all(environment), timeout=SECONDS, check=False
    )
    return done.returncode


def _all(environment: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MEDTOWN_")}
    return {**inherited, **environment}


def test_files_that_were_put_in_half_let_nothing_start(
    with_books: Callable[[str], Site], tmp_path: Path
) -> None:
    books = with_books(LOG)
    folder = Path(books.tools["MEDTOWN_DATA"])
    backup = str(tmp_path / "backup")
    assert books.run("backup", backup).code == 0
    keys = {path.name: path.read_bytes() for path in (folder / "keys").iterdir()}
    # As if the site had been another one.
    for path in (folder / "keys").iterdir():
        path.write_bytes(b"")
    assert _run(KILLED_BEFORE_FILES, books.tools, "restore", backup, "--replace") == -signal.SIGKILL
    interrupted = "was interrupted: run it again, with --replace"
    for command in (["up"], ["migrate"], ["verify-ledger"], ["backup", str(tmp_path / "another")]):
        assert interrupted in books.run(*command).refusal, command
    assert books.run("restore", backup).code == 2
    assert books.run("restore", backup, "--replace").code == 0
    assert {path.name: path.read_bytes() for path in (folder / "keys").iterdir()} == keys
    assert books.verified()["records"] == 4


class Processes:
    """The databases of separate processes, on which none runs, and the folder of their keys."""

    def __init__(self, urls: Mapping[str, str], folder: Path) -> None:
        self._urls = urls
        addresses = folder / "addresses"
        addresses.mkdir()
        for service, url in urls.items():
            (addresses / service).write_text(url)
        ensure_keys(folder / "keys")
        self.common = {
            # Nobody may come so far as to look for it.
            "MEDTOWN_AMQP_URL": "amqp://nobody@127.0.0.1:1/nowhere",
            "MEDTOWN_KEYS": str(folder / "keys"),
            "MEDTOWN_BLOBS": str(folder / "blobs"),
        }
        self.environment = {**self.common, "MEDTOWN_DATABASE_URLS": str(addresses)}

    def run(self, *arguments: str) -> Done:
        return medtown(*arguments, environment=self.environment)

    def of(self, service: str) -> dict[str, str]:
        return {**self.common, "MEDTOWN_DATABASE_URL": self._urls[service]}

    def change(self) -> None:
        """Put something into each database that no backup has."""
        for database in self._each():
            with database.write() as connection:
                connection.exec_driver_sql("CREATE TABLE later ()")

    def changed(self) -> int:
        """How many have it still."""
        count = 0
        for database in self._each():
            with database.read() as connection:
                count += inspect(connection).has_table("later")
        return count

    def unfinished(self) -> int:
        """How many are marked."""
        return sum(is_unfinished(database) for database in self._each())

    def _each(self) -> Iterator[Database]:
        for url in self._urls.values():
            with closing(Database(url)) as database:
                yield database


@pytest.fixture
def processes(cluster: PrivateCluster, migrated_databases: Callable[[str], str], tmp_path: Path) -> Processes:
    suffix = secrets.token_hex(4)
    urls = {
        service: cluster.create_database(
            f"interrupted_{service}_{suffix}", template=migrated_databases(owner.folder)
        )
        for service, owner in SERVICES.items()
    }
    # They go with the cluster: to drop them takes as long as half of the test.
    return Processes(urls, tmp_path)


def test_databases_that_were_committed_in_part_let_nothing_start(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = str(tmp_path / "backup")
    assert processes.run("backup", backup).code == 0
    processes.change()
    two = ("restore", backup, "--replace", "--only", "ledger", "--only", "identity")
    with monkeypatch.context() as patched:
        patched.setattr(timelines, "begin_all", _no_space)
        assert "No space left" in processes.run(*two).refusal
    assert (processes.changed(), processes.unfinished()) == (5, 0), "what fails before changes nothing"
    assert _run(KILLED_WHILE_COMMITTING, processes.environment, "1", *two) == -signal.SIGKILL
    assert (processes.changed(), processes.unfinished()) == (4, 2)
    _check_nothing_starts(processes, tmp_path)
    assert processes.run(*two).code == 0
    assert (processes.changed(), processes.unfinished()) == (3, 0)
    assert medtown("migrate", "--service", "ledger", environment=processes.of("ledger")).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("committed", [0, 4, 5, 8])
def test_a_whole_restore_can_be_killed_between_any_two_commits(
    processes: Processes, tmp_path: Path, committed: int
) -> None:
    backup = str(tmp_path / "backup")
    assert processes.run("backup", backup).code == 0
    processes.change()
    whole = ("restore", backup, "--replace")
    assert _run(KILLED_WHILE_COMMITTING, processes.environment, str(committed), *whole) == -signal.SIGKILL
    # After the five have been committed, their marks go one by one, the ledger's among the last.
    assert processes.changed() == max(0, 5 - committed)
    assert processes.unfinished() == min(5, 10 - committed)
    _check_nothing_starts(processes, tmp_path)
    assert processes.run(*whole).code == 0
    assert (processes.changed(), processes.unfinished()) == (0, 0)


def _check_nothing_starts(processes: Processes, tmp_path: Path) -> None:
    told = "a restore of the ledger database was interrupted: run `medtown restore FILE --replace` again"
    starts = ("deploy.serve_calls ledger-writer", "deploy.serve_jobs ledger")
    with ThreadPoolExecutor() as pool:
        for ended in pool.map(partial(_started, processes.of("ledger")), starts):
            assert (ended.returncode, ended.stderr) == (2, f"medtown: {told}\n")
    for command in (["migrate", "--service", "ledger"], ["verify-ledger"]):
        assert medtown(*command, environment=processes.of("ledger")).refusal == told
    assert "was interrupted" in processes.run("backup", str(tmp_path / "another")).refusal


def _started(environment: Mapping[str, str], start: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *start.split()]
    return subprocess.run(
        command, env=_all(environment), capture_output=True, text=True, timeout=SECONDS, check=False
    )


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device", "somewhere")
