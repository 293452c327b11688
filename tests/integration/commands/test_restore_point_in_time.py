"""PostgreSQL recovered to a point in time with the settings that the operator's guide names, and the ledger
in it brought into a new timeline.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.ledger.service import SERVICE
from shared.auth.principal import IMPORTER, JOURNAL_READER, OPERATOR
from shared.contracts.errors import Refusal
from tests.support.cluster import PrivateCluster
from tests.support.commands import medtown
from tests.support.deployment import PROJECT
from tests.support.ledger import pay
from tests.support.waiting import wait_until
from tests.support.writing import Ledger, running_ledger

SECONDS = 60
SETTING = re.compile(r"^(\w+) = (.*?)(?: +#.*)?$", re.MULTILINE)


class Server:
    """A PostgreSQL whose write-ahead log is kept in a folder beside it."""

    def __init__(self, cluster: PrivateCluster) -> None:
        self.cluster = cluster
        self.data = Path(self.ask("SHOW data_directory"))
        self.archive = self.data.parent / "archive"
        (self.archive / "wal").mkdir(parents=True)
        self._hand_over(self.archive)
        for name in ("wal_level", "archive_mode", "archive_command"):
            self.ask(f"ALTER SYSTEM SET {name} = {self.guided(name)}")
        cluster.stop()
        cluster.start()

    def guided(self, name: str) -> str:
        """A setting as the guide has it, for this server."""
        guide = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
        return dict(SETTING.findall(guide))[name].replace("/archive", str(self.archive))

    def ask(self, statement: str) -> str:
        url = self.cluster.url("postgres").replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return "" if cursor.description is None else str(cursor.fetchall()[0][0])

    def copy(self) -> None:
        where = ("--host=127.0.0.1", f"--port={self.cluster.port}", "--username=postgres")
        options = ("--checkpoint=fast", "--wal-method=stream")
        self._run("pg_basebackup", *where, *options, f"--pgdata={self.archive / 'base'}")
        self._run("pg_verifybackup", str(self.archive / "base"))

    def recover(self, moment: str) -> None:
        """As the guide says."""
        last = self.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until((self.archive / "wal" / last).exists, SECONDS, "the log to be kept")
        self.cluster.stop()
        self.data.rename(self.data.with_name("before"))
        shutil.copytree(self.archive / "base", self.data)
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = {self.guided('restore_command')}\n")
            settings.write(f"recovery_target_time = '{moment}'\n")
            settings.write(f"recovery_target_action = {self.guided('recovery_target_action')}\n")
        (self.data / "recovery.signal").touch()
        self.data.chmod(0o700)
        self._hand_over(self.data)
        self.cluster.start()
        wait_until(lambda: self.ask("SELECT pg_is_in_recovery()") == "False", SECONDS, "the recovery to end")

    def _run(self, program: str, *arguments: str) -> None:
        folder = Path(self.ask("SELECT setting FROM pg_config WHERE name = 'BINDIR'"))
        done = subprocess.run([folder / program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _hand_over(self, folder: Path) -> None:
        """Make a folder the server's own, which runs as another user where we are root."""
        owner = self.data.parent.stat()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture
def server() -> Iterator[Server]:
    with PrivateCluster() as cluster:
        if not cluster.is_private:
            pytest.skip("the server of MEDTOWN_TEST_DATABASE_URL is not ours to take back")
        yield Server(cluster)


def _paid(ledger: Ledger, payer: str, payee: str, amount: int) -> tuple[str, dict[str, object]]:
    """A payment's id, and where the journal is after it."""
    command = pay(payer, payee, amount)
    view = ledger.view(command, ledger.token("tools", IMPORTER))
    return command.id, {name: view[name] for name in ("partition", "sequence", "hash")}


@pytest.mark.distributed
@pytest.mark.slow
def test_a_ledger_is_taken_back_to_a_moment_and_goes_on_in_a_new_timeline(server: Server) -> None:
    url = server.cluster.create_database("ledger")
    with running_ledger(url) as ledger:
        ledger.currency()
        payer, payee = ledger.account(issued=1_000), ledger.account()
        server.copy()
        kept, _ = _paid(ledger, payer, payee, 100)
        moment = server.ask("SELECT clock_timestamp()")
        late, position = _paid(ledger, payer, payee, 7)
    server.recover(moment)

    environment = {"MEDTOWN_DATABASE_URL": url}
    done = medtown("begin-timeline", environment=environment)
    assert done.code == 0, done
    assert medtown("verify-ledger", environment=environment).code == 0
    with running_ledger(url) as ledger:
        get = SERVICE.calls["get_transfer"]
        assert ledger.ask(get, "someone", OPERATOR, id=kept)["amount"]["amount"] == 100
        with pytest.raises(Refusal, match="not-found"):
            ledger.ask(get, "someone", OPERATOR, id=late)
        _paid(ledger, payer, payee, 7)
        assert (ledger.total(payer), ledger.total(payee)) == (893, 107)
        since = {**position, "timeline": "", "limit": 10}
        with pytest.raises(Refusal, match="diverged"):
            ledger.ask(SERVICE.calls["journal_since"], "dashboard", JOURNAL_READER, **since)
    assert medtown("verify-ledger", environment=environment).code == 0
