"""`medtown backup`: whole or not at all, for its owner alone, of one moment, and damage to it is found."""

import gzip
import json
import resource
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands.site import Site
from tests.support.api import Api, Town, transfer
from tests.support.backups import Operator, Payments
from tests.support.deployment import PROJECT, Deployment
from tests.support.research_log import line, log_of

LOG = log_of(line(1, "DISBURSEMENT", "city", "ana", "100"), line(2, "STANDARD", "ana", "bea", "30"))
AWKWARD = "a \\ b \\N \\. c 'd' \"e\" ؟ 𝄞"
"""What a table written as text must bring back as it was."""


@pytest.fixture
def books(with_books: Callable[[str], Site]) -> Site:
    """A ledger with a few records, on which no server runs."""
    return with_books(LOG)


@pytest.fixture
def manager(deployment: Deployment, tmp_path: Path) -> Operator:
    return Operator(deployment, tmp_path)


def _add_document(api: Api, content: bytes, **fields: Any) -> str:
    view = api.expect(201, "POST", "/documents", files={"file": ("notes.txt", content)}, data=fields)
    document: str = view["id"]
    return document


def _report(done: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(done.out)
    return report


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_a_backup_is_for_its_owner_alone(books: Site, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    done = books.run("backup", str(target), "--json")
    assert done.code == 0, done
    told = _report(done)
    assert (told["lost"], told["partitions"]["0"]["sequence"]) == ([], 5)
    paths = [target, *target.rglob("*")] if target.is_dir() else [target]
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)
    if not target.is_dir():
        with tarfile.open(target) as tar:
            names = tar.getnames()
            assert names[0] == "manifest.json"
            assert "databases/ledger.sqlite3" in names
    checked = books.run("backup", "--verify", str(target), "--json")
    assert (checked.code, _report(checked)) == (0, told)
    assert books.run("backup", "--verify", str(target)).out.count("sound: 5 records, 4 accounts") == 1


def test_nothing_is_overwritten(books: Site, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar"
    target.write_text("something else")
    assert books.run("backup", str(target)).refusal == f"{target} exists: a backup replaces nothing"
    assert target.read_text() == "something else"
    assert "is no folder" in books.run("backup", str(tmp_path / "nowhere" / "backup")).refusal
    assert list(tmp_path.glob("*partial*")) == []


def test_without_an_installation_there_is_no_backup(alone: Site, tmp_path: Path) -> None:
    assert "there is no dashboard database" in alone.run("backup", str(tmp_path / "backup")).refusal
    assert list(tmp_path.iterdir()) == []


def test_databases_of_processes_must_all_be_named(alone: Site, tmp_path: Path) -> None:
    site = Site({**alone.tools, "MEDTOWN_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"}, {})
    assert site.run("backup", str(tmp_path / "backup")).refusal.startswith("set MEDTOWN_DATABASE_URLS")
    site.tools = {**site.tools, "MEDTOWN_DATABASE_URLS": str(tmp_path)}
    assert "cannot be read" in site.run("backup", str(tmp_path / "backup")).refusal


@pytest.mark.parametrize(
    ("name", "limit"), [("backup", 50_000), ("backup.tar", 50_000), ("backup.tar", 300_000)]
)
def test_a_full_disk_leaves_nothing_half(books: Site, tmp_path: Path, name: str, limit: int) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "backup", str(folder / name)],
        # Python must not leave half of its compiled modules behind either.
        env={**books.tools, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2, done
    assert done.stderr.startswith(f"medtown: the backup {folder / name} cannot be made: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(folder.iterdir()) == []


def test_a_flipped_byte_of_any_file_is_found(books: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert books.run("backup", str(backup)).code == 0
    files = [path for path in backup.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert {"ledger.sqlite3", "bus.sqlite3", "identity.key"} < {path.name for path in files}
    for path in files:
        content = bytearray(path.read_bytes())
        content[secrets.randbelow(len(content))] ^= 1 << secrets.randbelow(8)
        sound = path.rename(tmp_path / "sound")
        path.write_bytes(content)
        done = books.run("backup", "--verify", str(backup))
        name = path.relative_to(backup)
        assert (done.code, done.out) == (1, f"FAULT: the file {name} is not the one that was backed up\n")
        sound.replace(path)
    assert books.run("backup", "--verify", str(backup)).code == 0


def test_files_too_few_or_too_many_are_found(books: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert books.run("backup", str(backup)).code == 0
    (backup / "keys" / "another.key").touch()
    done = books.run("backup", "--verify", str(backup), "--json")
    assert done.code == 1
    assert _report(done)["fault"] == "the file keys/another.key does not belong to the backup"
    (backup / "keys" / "another.key").unlink()
    (backup / "keys" / "tools.key").unlink()
    assert books.run("backup", "--verify", str(backup)).out == "FAULT: the file keys/tools.key is missing\n"


def test_half_a_file_is_no_backup(books: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup.tar"
    assert books.run("backup", str(backup)).code == 0
    content = backup.read_bytes()
    for length in (0, 100, 5_000, len(content) // 2):
        backup.write_bytes(content[:length])
        assert books.run("backup", "--verify", str(backup)).code != 0
    assert str(tmp_path / "nothing") in books.run("backup", "--verify", str(tmp_path / "nothing")).refusal


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../b"])
def test_a_manifest_cannot_lead_out_of_the_backup(books: Site, tmp_path: Path, name: str) -> None:
    backup = tmp_path / "backup"
    assert books.run("backup", str(backup)).code == 0
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"][name] = {"size": 0, "sha256": "0" * 64}
    (backup / "manifest.json").write_text(json.dumps(manifest))
    assert f"names the file '{name}'" in books.run("backup", "--verify", str(backup)).refusal


def test_a_ledger_that_is_not_sound_is_backed_up_and_found_out(books: Site, tmp_path: Path) -> None:
    with closing(sqlite3.connect(f"{books.tools['MEDTOWN_DATA']}/ledger.sqlite3")) as database, database:
        database.execute("UPDATE balances SET balance = balance + 1 WHERE account = 2")
    assert books.run("backup", str(tmp_path / "backup")).code == 0
    done = books.run("backup", "--verify", str(tmp_path / "backup"))
    assert done.code == 1
    assert done.out.startswith("FAULT: partition 0 of the ledger: the balance of account ")


def test_a_backup_needs_no_server_to_be_checked(manager: Operator, town: Town, tmp_path: Path) -> None:
    payer = town.payer(issued=100)
    town.member.expect(
        201, "POST", "/transfers", json=transfer(payer, town.account(), 1, town.currency, memo=AWKWARD)
    )
    _add_document(town.member, b"to keep", title=AWKWARD, description=AWKWARD)
    manager.back_up(tmp_path / "backup.tar")
    elsewhere = Site.alone(tmp_path / "elsewhere")
    done = elsewhere.run("backup", "--verify", str(tmp_path / "backup.tar"))
    assert (done.code, done.err) == (0, ""), done
    assert "sound: " in done.out
    assert not (tmp_path / "elsewhere").exists()


def test_backups_of_both_ways_of_running_are_told_apart(
    manager: Operator, books: Site, tmp_path: Path
) -> None:
    if manager.deployment.kind == "embedded":
        pytest.skip("the other way of running restores what this one cannot")
    manager.back_up(tmp_path / "backup")
    refusal = books.run("restore", str(tmp_path / "backup"), "--replace").refusal
    assert refusal.endswith("holds databases of postgresql, this installation is on sqlite")


def test_a_document_whose_file_was_lost_is_named(manager: Operator, town: Town, tmp_path: Path) -> None:
    town.payer()
    kept, lost = _add_document(town.member, b"kept"), _add_document(town.member, b"lost")
    apart = manager.deployment.folder / "blobs"
    store = apart if apart.exists() else manager.deployment.data / "blobs"
    [file] = store.glob(f"kept/*/{lost}")
    try:
        file.rename(tmp_path / "away")
        done = manager.run("backup", str(tmp_path / "backup"))
        assert done.code == 1
        assert f"WARNING: the file of document version {lost} was lost" in done.out
        assert manager.run("backup", "--verify", str(tmp_path / "backup")).code == 0
        assert (tmp_path / "backup" / "blobs" / kept).read_bytes() == b"kept"
        assert not (tmp_path / "backup" / "blobs" / lost).exists()
    finally:
        shutil.move(tmp_path / "away", file)


def test_no_follower_is_ahead_in_a_backup_of_a_working_platform(
    manager: Operator, town: Town, tmp_path: Path
) -> None:
    with Payments(town) as payments:
        for number in range(3):
            payments.wait_for_more(3)
            backup = tmp_path / f"backup{number}"
            manager.back_up(backup)
            manifest = json.loads((backup / "manifest.json").read_text())
            assert _followed(backup, manifest) <= manifest["partitions"]["0"]["sequence"]


def _followed(backup: Path, manifest: dict[str, Any]) -> int:
    """How far the dashboard in a backup has come."""
    dashboard = manifest["databases"]["dashboard"]
    if dashboard["file"] is not None:
        with closing(sqlite3.connect(backup / dashboard["file"])) as database:
            [[sequence]] = database.execute("SELECT sequence FROM positions")
            return int(sequence)
    table = dashboard["tables"]["positions"]
    with gzip.open(backup / table["file"], "rt") as rows:
        [row] = rows.read().splitlines()
    columns = [name for name, _ in table["columns"]]
    return int(row.split("\t")[columns.index("sequence")])
