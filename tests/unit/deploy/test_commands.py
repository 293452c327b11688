"""Commands that need no installation: help, simulate, openapi, and refusals that come before anything is
done.
"""

import json
from pathlib import Path

import pytest

from deploy.cli import COMMANDS
from tests.support.commands import medtown

SMALL = ("--accounts", "20", "--days", "5")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = medtown(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: medtown")


def test_the_command_lists_what_it_can() -> None:
    shown = medtown("--help")
    assert shown.code == 0
    assert all(f"  {name} " in shown.out for name in COMMANDS)
    bare = medtown()
    assert (bare.code, bare.err) == (2, shown.out)
    assert medtown("--version").out.startswith("medtown, version ")


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("nonsense",), "No such command 'nonsense'."),
        (("up", "--nonsense"), "No such option '--nonsense'."),
        (("serve",), "Missing argument"),
        (("serve", "nonsense"), "'nonsense' is not one of"),
        (("migrate", "--service", "nonsense"), "'nonsense' is not one of"),
        (("create-admin", "--name", "A"), "Missing option '--email'"),
    ],
)
def test_what_no_command_takes_is_refused_in_one_line(arguments: tuple[str, ...], refusal: str) -> None:
    assert refusal in medtown(*arguments).refusal


def test_openapi_is_printed_as_json() -> None:
    done = medtown("openapi")
    assert done.code == 0
    described = json.loads(done.out)
    assert described["openapi"].startswith("3.1")
    assert "/api/v1/transfers" in described["paths"]


def test_a_simulation_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("one", "two", "three")]
    for path, seed in zip(logs, ("5", "5", "6"), strict=True):
        done = medtown("simulate", str(path), *SMALL, "--seed", seed)
        assert done.code == 0
        assert done.out.startswith(f"{path}: ")
    first, second, third = (path.read_bytes() for path in logs)
    assert first == second != third
    assert first.startswith(b"id,timeset,transfer_subtype,source,target,weight,token_name,token_address\n")


def test_a_simulation_says_how_many_rows_are_faulty(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    done = medtown(
        "simulate",
        str(path),
        *SMALL,
        "--overdraw-share",
        "0.2",
        "--malformed-share",
        "0.2",
        "--extra-decimals",
    )
    assert "overdraw and" in done.out
    assert len(path.read_text().splitlines()) > 50


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("--accounts", "9"), "accounts must be a whole number from 10 to 1,000,000: got 9"),
        (("--days", "0"), "days must be"),
        (("--days", "3661"), "days must be"),
        (("--seed", "-1"), "seed must be"),
        (("--accounts", "many"), "'many' is not a valid integer"),
        (("--start", "yesterday"), "'yesterday' does not match the format"),
        (("--start", "1989-12-31"), "start must be"),
        (("--token-name", ""), "token_name must be"),
        (("--overdraw-share", "0.6"), "overdraw_share must be"),
        (("--overdraw-share", "nan"), "overdraw_share must be"),
        (("--overdraw-share", "0.3", "--malformed-share", "0.3"), "must together be at most 0.5"),
    ],
)
def test_a_simulation_out_of_range_is_refused_and_writes_nothing(
    tmp_path: Path, options: tuple[str, ...], refusal: str
) -> None:
    path = tmp_path / "log.csv"
    assert refusal in medtown("simulate", str(path), *options).refusal
    assert not path.exists()


def test_a_simulation_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    assert "No such file or directory" in medtown("simulate", str(tmp_path / "none" / "log.csv")).refusal


AMQP = {"MEDTOWN_AMQP_URL": "amqp://127.0.0.1:1/"}
POSTGRES = {"MEDTOWN_DATABASE_URL": "postgresql+psycopg://medtown@127.0.0.1:1/ledger"}


@pytest.mark.parametrize(
    ("arguments", "environment", "refusal"),
    [
        (("serve", "ledger"), {}, "MEDTOWN_AMQP_URL is missing"),
        (("serve", "ledger"), AMQP, "MEDTOWN_DATABASE_URL is missing"),
        (("serve", "jobs"), AMQP | POSTGRES, "--service names whose jobs to run"),
        (("serve", "ledger", "--service", "ledger"), AMQP | POSTGRES, "--service names whose jobs to run"),
        (("up",), AMQP, "MEDTOWN_AMQP_URL is set"),
        (("demo",), AMQP, "demo accounts work on one machine alone"),
        (("migrate",), AMQP, "MEDTOWN_DATABASE_URL is missing"),
        (("migrate",), AMQP | POSTGRES, "name the service"),
        (("migrate", "--service", "ledger"), AMQP | POSTGRES, "the database refuses"),
        (("verify-ledger",), AMQP | POSTGRES, "the database refuses"),
        (("create-admin", "--email", "a@b.example", "--name", "A"), {}, "add --password-stdin"),
    ],
)
def test_what_cannot_be_done_here_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], refusal: str
) -> None:
    here = {"MEDTOWN_DATA": str(tmp_path / "data")}
    assert refusal in medtown(*arguments, environment=here | environment).refusal


def test_an_installation_without_its_keys_is_refused_by_their_name(tmp_path: Path) -> None:
    here = {"MEDTOWN_KEYS": str(tmp_path / "none"), **AMQP}
    done = medtown(
        "create-admin", "--email", "a@b.example", "--name", "A", "--password-stdin", environment=here
    )
    assert done.refusal == f"{tmp_path}/none/tools.key: No such file or directory"


def test_keys_are_made_once_for_their_owners_alone(tmp_path: Path) -> None:
    environment = {"MEDTOWN_KEYS": str(tmp_path / "keys")}
    done = medtown("make-keys", environment=environment)
    assert done.code == 0
    made = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    owners = ("identity", "dashboard", "ledger", "toolbox", "tools")
    assert set(made) == {*(f"{owner}.key" for owner in owners), "trusted.json"}
    assert all(str(tmp_path / "keys" / name) in done.out for name in made)
    for name, content in made.items():
        if name.endswith(".key"):
            assert (tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600
            assert content not in made["trusted.json"]
    assert medtown("make-keys", environment=environment).out == done.out
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == made
