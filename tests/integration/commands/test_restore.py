"""`medtown restore`: what was there when the backup was made is there again, and all goes on from it."""

import os
import shutil
import tarfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.datafolder import UNFINISHED
from services.ledger.journal.reader import records_after
from shared import config as configuration
from shared.contracts.journal import TIMELINE_BEGUN
from shared.db.engine import Database
from tests.integration.commands.site import Site
from tests.support.api import Api, Town, administrator
from tests.support.backups import Operator, Payments
from tests.support.commands import medtown
from tests.support.composed import ComposedDeployment
from tests.support.deployment import Deployment
from tests.support.research_log import line, log_of
from tests.support.waiting import wait_until

CAUGHT_UP_SECONDS = 60
RESTORED_SECONDS = 60
FIGURES = (
    *("supply", "volume", "transfer_count", "mean_transfer", "median_transfer"),
    *("active_accounts", "new_accounts", "gini_balances", "gini_received"),
)
LOG = log_of(line(1, "DISBURSEMENT", "city", "ana", "100"), line(2, "STANDARD", "ana", "bea", "30"))


@pytest.fixture
def manager(deployment: Deployment, tmp_path: Path) -> Operator:
    return Operator(deployment, tmp_path)


def test_a_backup_of_a_working_platform_brings_back_what_was_acknowledged_before_it(
    manager: Operator, town: Town, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.tar"
    payments = Payments(town)
    document = _add_document(town.member, b"for all to keep")
    with payments:
        payments.wait_for_more()
        before = time.monotonic()
        manager.back_up(backup)
        after = time.monotonic()
        payments.wait_for_more()
    late_document = _add_document(town.member, b"of no duration")
    _, late_person = town.person()

    manager.kill(manager.deployment.processes)
    manager.restore(str(backup), "--replace")
    manager.start(manager.deployment.processes)
    api = _sign_in_again(town, payments)

    sure, gone = payments.acknowledged_until(before), payments.begun_after(after)
    assert sure
    assert gone
    assert all(payments.is_known(id) for id in sure)
    assert not any(payments.is_known(id) for id in gone)
    assert api.request("GET", f"/documents/{document}/content").content == b"for all to keep"
    api.refused("not-found", "GET", f"/documents/{late_document}/content")
    Api(api.base_url).refused("wrong-credentials", "POST", "/sessions", json=late_person)
    _check_figures(manager, town, payments)
    payments.pay_once()
    _check_figures(manager, town, payments)
    manager.site.verified()


def test_a_dashboard_that_is_ahead_of_the_restored_ledger_begins_anew_by_itself(
    manager: Operator, town: Town, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    payments = Payments(town)
    with payments:
        payments.wait_for_more()
    manager.back_up(backup)
    balance = town.operator.balance(payments.payee)
    for _ in range(5):
        payments.pay_once()
    town.wait_for_indicator("volume", balance + 5)

    # Of separate processes, only the ledger's own are away: the dashboard goes on, and must notice.
    ledgers = [process for process in manager.deployment.processes if process.startswith(("ledger", "up"))]
    manager.kill(ledgers)
    manager.restore(str(backup), "--replace", "--only", "ledger")
    manager.start(ledgers)
    _sign_in_again(town, payments)

    assert town.operator.balance(payments.payee) == balance
    _check_figures(manager, town, payments)
    payments.pay_once()
    assert town.operator.balance(payments.payee) == balance + 1
    _check_figures(manager, town, payments)
    manager.site.verified()


@pytest.mark.distributed
@pytest.mark.slow
def test_in_containers_the_owners_restore_and_roles_get_their_rights_back(
    composed: ComposedDeployment, tmp_path: Path
) -> None:
    town = Town(administrator(composed.base_url))
    payments = Payments(town)
    with payments:
        payments.wait_for_more()
    done = composed.medtown("backup", str(tmp_path / "backup.tar"), process="backups")
    assert done.returncode == 0, done.stderr
    assert "there are no keys in it" not in done.stdout
    with tarfile.open(tmp_path / "backup.tar") as kept:
        assert {"keys/trusted.json", "keys/identity.key", "keys/tools.key"} <= set(kept.getnames())
    late = payments.pay_once()

    for process in composed.processes:
        composed.kill(process)

    def restored() -> bool:
        arguments = ("restore", str(tmp_path / "backup.tar"), "--replace", "--grant")
        done = composed.medtown(*arguments, process="backups")
        assert done.returncode == 0, done.stderr
        return True

    wait_until(restored, RESTORED_SECONDS, "the killed processes' connections to end, and the restore")
    composed.start_all()
    composed.wait_until_ready()

    _sign_in_again(town, payments)
    assert all(payments.is_known(id) for id in payments.acknowledged)
    assert not payments.is_known(late["id"])
    payments.pay_once()
    town.wait_for_indicator("volume", len(payments.acknowledged) + 1, CAUGHT_UP_SECONDS)
    assert composed.medtown("verify-ledger", process="verify-ledger").returncode == 0


def _add_document(api: Api, content: bytes) -> str:
    view = api.expect(201, "POST", "/documents", files={"file": ("notes.txt", content)}, data={})
    document: str = view["id"]
    return document


def _sign_in_again(town: Town, payments: Payments) -> Api:
    """Sign everybody in as they did before."""
    town.operator = administrator(town.operator.base_url)
    payments.api = town.member = Api(town.operator.base_url).sign_in(**town.sign_in)
    return payments.api


def _check_figures(manager: Operator, town: Town, payments: Payments) -> None:
    """The dashboard comes to know what the ledger knows, and would know the same if it began anew."""
    town.wait_for_indicator("volume", town.operator.balance(payments.payee), CAUGHT_UP_SECONDS)
    by_itself = _figures(town)
    process = "dashboard" if manager.deployment.kind == "distributed" else "tools"
    done = medtown("rebuild-dashboard", environment=manager.deployment.environment(process))
    assert done.code == 0, done
    assert _figures(town) == by_itself


def _figures(town: Town) -> dict[str, Any]:
    return {code: town.indicator(code) for code in FIGURES}


@pytest.fixture
def books(with_books: Callable[[str], Site]) -> Site:
    """A ledger with a few records, on which no server runs."""
    return with_books(LOG)


def _import(site: Site, log: str, folder: Path) -> None:
    path = folder / "log.csv"
    path.write_text(log)
    done = site.run("import-transfers", str(path), "--currency", "PUMA", "--format", "ukds")
    assert done.code == 0, done


def _backed_up(site: Site, target: Path) -> str:
    assert site.run("backup", str(target)).code == 0
    return str(target)


def _contents(folder: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_an_empty_folder_takes_a_backup(books: Site, tmp_path: Path, name: str) -> None:
    backup = _backed_up(books, tmp_path / name)
    elsewhere = Site.alone(tmp_path / "elsewhere")
    done = elsewhere.run("restore", backup)
    assert (done.code, done.err) == (0, "")
    assert "ledger partition 0 goes on after record 6, timeline " in done.out
    assert elsewhere.verified()["records"] == books.verified()["records"] + 1
    _import(elsewhere, LOG + line(3, "STANDARD", "bea", "ana", "10") + "\n", tmp_path)
    assert elsewhere.verified()["records"] == 7
    keys = Path(elsewhere.tools["MEDTOWN_DATA"]) / "keys"
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}


def test_each_restore_begins_a_timeline_which_its_first_record_names(books: Site, tmp_path: Path) -> None:
    backup = _backed_up(books, tmp_path / "backup")
    seen = []
    for name in ("one", "two"):
        site = Site.alone(tmp_path / name)
        assert site.run("restore", backup).code == 0
        with closing(Database(configuration.load(site.ledger).database_for("ledger"))) as database:
            with database.read() as connection:
                *before, last = records_after(connection, 0, 0, 100)
        assert len({record.timeline for record in before}) == 1
        assert last.type == TIMELINE_BEGUN
        assert last.payload["timeline"] == {"before": before[0].timeline, "id": last.timeline}
        seen.append(last.timeline)
    assert len(set(seen)) == 2


def test_a_ledger_without_a_record_is_restored_too(alone: Site, tmp_path: Path) -> None:
    assert (
        alone.run(
            "create-admin", "--email", "a@example.org", "--name", "A", "--password-stdin", stdin="x" * 12
        ).code
        == 0
    )
    backup = _backed_up(alone, tmp_path / "backup")
    elsewhere = Site.alone(tmp_path / "elsewhere")
    assert "goes on after record 0, timeline " in elsewhere.run("restore", backup).out
    _import(elsewhere, LOG, tmp_path)
    assert elsewhere.verified()["records"] == 5


def test_nothing_is_replaced_unasked(books: Site, tmp_path: Path) -> None:
    backup = _backed_up(books, tmp_path / "backup")
    folder = Path(books.tools["MEDTOWN_DATA"])
    before = _contents(folder)
    for options in ((), ("--only", "ledger")):
        refusal = books.run("restore", backup, *options).refusal
        assert refusal.startswith(f"{folder} is not empty (")
    assert _contents(folder) == before
    _import(books, LOG + line(3, "STANDARD", "bea", "ana", "10") + "\n", tmp_path)
    (folder / "demo.json").write_text("[]")
    assert books.run("restore", backup, "--replace").code == 0
    assert books.verified()["records"] == 6
    assert not (folder / "demo.json").exists()


@pytest.mark.embedded
def test_a_running_server_is_left_in_peace(embedded: Deployment, books: Site, tmp_path: Path) -> None:
    backup = _backed_up(books, tmp_path / "backup")
    busy = f"the data folder {embedded.data} is in use by another process"
    site = Site.of(embedded)
    assert site.run("restore", backup, "--replace").refusal == busy
    assert site.run("begin-timeline").refusal == busy


@pytest.mark.distributed
def test_running_processes_are_left_in_peace(distributed: Deployment, tmp_path: Path) -> None:
    manager = Operator(distributed, tmp_path)
    manager.back_up(tmp_path / "backup")
    refusal = manager.run("restore", str(tmp_path / "backup"), "--replace").refusal
    assert "connections use the " in refusal
    assert "stop all processes before restoring" in refusal
    refused = manager.run("begin-timeline").refusal
    assert "connections use the ledger database" in refused


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_backup_changes_nothing(books: Site, tmp_path: Path, damage: str) -> None:
    backup = tmp_path / "backup"
    _backed_up(books, backup)
    file = backup / "databases" / "identity.sqlite3"
    if damage == "missing":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    folder = Path(books.tools["MEDTOWN_DATA"])
    before = _contents(folder)
    refusal = books.run("restore", str(backup), "--replace").refusal
    assert refusal.startswith(
        f"the backup {backup} is damaged, nothing was restored: the file databases/identity"
    )
    assert _contents(folder) == before


def test_a_backup_of_a_ledger_that_is_not_sound_changes_nothing(books: Site, tmp_path: Path) -> None:
    folder = Path(books.tools["MEDTOWN_DATA"])
    shutil.copytree(folder, tmp_path / "sound")
    with closing(Database(f"sqlite:///{folder}/ledger.sqlite3")) as database, database.write() as connection:
        connection.exec_driver_sql("UPDATE balances SET balance = balance + 1 WHERE account = 2")
    backup = _backed_up(books, tmp_path / "backup")
    site = Site.alone(tmp_path / "sound")
    before = _contents(tmp_path / "sound")
    assert "the balance of account" in site.run("restore", backup, "--replace").refusal
    assert _contents(tmp_path / "sound") == before


def test_keys_that_cannot_be_written_must_be_the_right_ones(
    books: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = _backed_up(books, tmp_path / "backup")
    folder = Path(books.tools["MEDTOWN_DATA"])
    key = folder / "keys" / "identity.key"
    # As where they are mounted to be read; who runs the tests may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != folder / "keys")
    assert books.run("restore", backup, "--replace").code == 0
    right = key.read_bytes()
    key.write_bytes(b"another")
    before = _contents(folder)
    refusal = books.run("restore", backup, "--replace").refusal
    assert refusal.startswith(f"{key} is not the one in the backup and cannot be replaced")
    assert _contents(folder) == before
    key.write_bytes(right)
    assert books.run("restore", backup, "--replace").code == 0


def test_an_interrupted_restore_must_be_ended_before_anything_starts(books: Site, tmp_path: Path) -> None:
    backup = _backed_up(books, tmp_path / "backup")
    (Path(books.tools["MEDTOWN_DATA"]) / UNFINISHED).touch()
    assert "was interrupted: run it again, with --replace" in books.run("migrate").refusal
    assert books.run("restore", backup, "--replace").code == 0
    assert books.run("migrate").code == 0


def test_what_is_no_backup_is_refused(books: Site, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no backup")
    (tmp_path / "folder").mkdir()
    for name in ("text", "folder"):
        assert f"{tmp_path / name} is no backup" in books.run("restore", str(tmp_path / name)).refusal
    assert "does not exist" in books.run("restore", str(tmp_path / "nothing")).refusal


def test_a_recovered_ledger_is_given_a_timeline_by_hand(books: Site) -> None:
    done = books.run("begin-timeline")
    assert done.code == 0
    assert done.out.startswith("partition 0 goes on after record 6, timeline ")
    assert books.verified()["records"] == 6
