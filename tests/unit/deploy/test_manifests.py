"""What an installation is made of: in step with the tables of services, closed by default, with no secret."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from deploy.databases import migrate
from deploy.installing import broker, secrets
from deploy.installing.database import ALL, ANY, RIGHTS, roles_of
from deploy.installing.manifests import manifests
from deploy.installing.processes import everything, running, users
from deploy.services import SERVICES
from shared.config import VARIABLES, load
from shared.db.engine import Database
from shared.db.migrations import VERSION_TABLE
from tests.support.commands import medtown
from tests.support.composed import compose_file, is_process

PROJECT = Path(__file__).parents[3]
COMPOSE = compose_file()
ENTRIES: dict[str, Any] = COMPOSE["services"]
LASTING = sorted(name for name, entry in ENTRIES.items() if entry["restart"] == "unless-stopped")
OURS = sorted(name for name, entry in ENTRIES.items() if entry["image"].startswith("medtown"))
PINNED = re.compile(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z-]+)?")
SECRET_NAMES = re.compile("(?i)password|secret|token|_url$")


@pytest.mark.parametrize("path", manifests(), ids=lambda path: path.name)
def test_files_are_as_make_manifests_writes_them(path: Path) -> None:
    assert path.read_text() == manifests()[path], "run `make manifests`"


def test_every_process_has_an_entry() -> None:
    assert {name for name, entry in ENTRIES.items() if is_process(entry)} == running().keys()
    assert {f"migrate-{service}" for service in SERVICES} < ENTRIES.keys()


@pytest.mark.parametrize("name", ENTRIES)
def test_every_image_is_pinned_and_ours_is_built_once(name: str) -> None:
    image = ENTRIES[name]["image"]
    assert image == "medtown:${MEDTOWN_VERSION:-local}" or PINNED.fullmatch(image), image
    built = [entry for entry in ENTRIES.values() if "build" in entry]
    assert len(built) == 1


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_tells_its_health_and_when_it_is_started(name: str) -> None:
    check = ENTRIES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} < check.keys()
    for needed, how in ENTRIES[name].get("depends_on", {}).items():
        lasts = needed in LASTING
        assert how["condition"] == ("service_healthy" if lasts else "service_completed_successfully")


@pytest.mark.parametrize("name", ENTRIES)
def test_nothing_runs_with_more_rights_than_it_needs(name: str) -> None:
    entry = ENTRIES[name]
    assert entry["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in entry["security_opt"]
    assert entry.get("user") not in {"root", "0"}
    assert name in OURS or entry.get("user"), "the image of somebody else: say as whom"
    # RabbitMQ writes beside its data too.
    assert entry.get("read_only") or name == "rabbitmq"
    assert not {"privileged", "pid", "network_mode", "cap_add"} & entry.keys()
    assert "docker.sock" not in json.dumps(entry)


@pytest.mark.parametrize("name", ENTRIES)
def test_nothing_takes_all_of_the_machine(name: str) -> None:
    assert re.fullmatch(r"\$\{[A-Z]+_MEMORY:-[12]g\}", ENTRIES[name]["mem_limit"])
    assert ENTRIES[name]["pids_limit"] <= 1000


@pytest.mark.parametrize("name", ENTRIES)
def test_secrets_are_files_and_known(name: str) -> None:
    for variable, value in ENTRIES[name].get("environment", {}).items():
        if SECRET_NAMES.search(variable) and variable != "MEDTOWN_PUBLIC_URL":
            assert value.startswith("/run/secrets/"), variable
    for secret in ENTRIES[name].get("secrets", []):
        assert COMPOSE["secrets"][secret["source"]]["file"].startswith("./secrets/")


def test_a_process_is_handed_its_own_secrets_alone() -> None:
    for name in running():
        for secret in ENTRIES[name]["secrets"]:
            own = secret["source"].startswith(f"{name}-")
            key = secret["source"] == f"{running()[name].service}-key"
            assert own or key or secret["source"] == "trusted", (name, secret)


def test_only_the_gateway_and_those_who_watch_can_be_reached_from_outside() -> None:
    reached = {name for name, entry in ENTRIES.items() if "ports" in entry}
    assert reached == {"gateway", "prometheus", "grafana"}
    assert {name for name, entry in ENTRIES.items() if "front" in entry["networks"]} == reached
    assert all("127.0.0.1" in port for name in reached for port in ENTRIES[name]["ports"])
    assert COMPOSE["networks"]["bus"] == COMPOSE["networks"]["store"] == {"internal": True}
    assert "store" not in ENTRIES["gateway"]["networks"]


@pytest.mark.parametrize("name", OURS)
def test_our_variables_are_known(name: str) -> None:
    known = {variable.name for variable in VARIABLES}
    assert ENTRIES[name]["environment"].keys() <= known


def test_every_name_mounted_or_used_is_there() -> None:
    for name, entry in ENTRIES.items():
        for volume in entry.get("volumes", []):
            source = volume.split(":")[0]
            there = (PROJECT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]
            assert there, (name, volume)
        assert entry.get("depends_on", {}).keys() <= ENTRIES.keys()
        assert set(entry["networks"]) <= COMPOSE["networks"].keys()


def test_users_in_the_repository_have_no_password() -> None:
    definitions = json.loads((PROJECT / "deploy/rabbitmq/definitions.json").read_text())
    assert {user["password_hash"] for user in definitions["users"]} == {""}
    assert {user["name"] for user in definitions["users"]} == users().keys()


def test_only_the_ledgers_relay_may_write_to_its_exchange() -> None:
    writers = {
        entry["user"]
        for entry in broker.definitions()["permissions"]
        if re.search(entry["write"], "ledger.events")
    }
    assert writers == {"ledger-jobs"}


def test_rights_are_those_of_processes_that_exist() -> None:
    assert RIGHTS.keys() <= everything().keys()


@pytest.mark.parametrize("service", SERVICES)
def test_no_table_is_forgotten_among_the_rights(service: str, tmp_path: Path) -> None:
    config = load({"MEDTOWN_DATA": str(tmp_path)})
    migrate(config, service)
    database = Database(config.database_for(service))
    with database.read() as connection:
        tables = set(inspect(connection).get_table_names()) - {VERSION_TABLE}
    database.close()
    stated = [RIGHTS.get(process, {ANY: ALL}) for process in roles_of(service)]
    reached = {table for table in tables for rights in stated if rights.get(table, rights.get(ANY))}
    assert tables == reached


def test_secrets_are_made_once_and_nobody_else_can_enter(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert medtown("make-secrets", str(folder)).code == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = _passwords(folder)
    assert len(set(before.values())) == len(before)
    assert all(len(password) >= 24 for password in before.values())
    definitions = json.loads((folder / secrets.DEFINITIONS).read_text())
    assert len({user["password_hash"] for user in definitions["users"]}) == len(users())

    again = medtown("make-secrets", str(folder), "--broker", "elsewhere:5671", "--database", "db:5433")
    assert again.code == 0, again
    assert _passwords(folder) == before
    assert "@elsewhere:5671/medtown" in (folder / "gateway" / secrets.AMQP_URL).read_text()
    assert "@db:5433/ledger" in (folder / "ledger-writer" / secrets.DATABASE_URL).read_text()
    plain = (folder / secrets.PASSWORDS).read_text() + (folder / secrets.DEFINITIONS).read_text()
    assert not [name for name, password in before.items() if password in plain]


def _passwords(folder: Path) -> dict[str, str]:
    """The password in each file of a URL, but for that of the tool that has its user from another."""
    return {
        str(path.relative_to(folder)): path.read_text().split("@")[0].rpartition(":")[2]
        for path in sorted(folder.glob("*/*-url"))
        if path.parts[-2:] != ("rebuild-dashboard", secrets.AMQP_URL)
    }
