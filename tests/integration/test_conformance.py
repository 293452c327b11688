"""The suite that knows only HTTP: met in both ways of running, complete in itself, true to its README."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from shared.contracts import ids
from tests.support.api import Town, administrator
from tests.support.deployment import PROJECT, Deployment

FOLDER = PROJECT / "tests" / "conformance"
SECONDS = 300


def conformance(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.conformance", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def token(headers: object) -> str:
    return str(headers).removeprefix("Bearer ")


def meets(deployment: Deployment, *chapters: str) -> None:
    town = Town(administrator(deployment.base_url))
    second, _ = town.person(roles=["operator"])
    member = town.neighbour()
    done = conformance(
        *("--url", town.operator.base_url),
        # In one word, since a token may begin with a hyphen.
        f"--token={token(town.operator.http.headers['Authorization'])}",
        f"--second-token={token(second.http.headers['Authorization'])}",
        f"--member-token={token(member.http.headers['Authorization'])}",
        *(part for chapter in chapters for part in ("--chapter", chapter)),
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert done.stdout.strip().endswith(" passed, 0 failed, 0 skipped")


@pytest.mark.embedded
@pytest.mark.timeout(SECONDS)
def test_every_requirement_is_met(embedded: Deployment) -> None:
    meets(embedded)


@pytest.mark.distributed
@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
def test_every_requirement_is_met_by_processes_of_their_own(distributed: Deployment) -> None:
    meets(distributed)


@pytest.mark.distributed
def test_many_at_once_are_answered_right_by_processes_of_their_own(distributed: Deployment) -> None:
    """Of the suite's chapters, the one in which it matters that there are several processes."""
    meets(distributed, "14")


@pytest.mark.embedded
def test_what_is_not_met_is_named_and_fails(embedded: Deployment) -> None:
    """With a token that is none, every requirement of a chapter fails, by its number."""
    done = conformance("--url", embedded.base_url, "--token", ids.new_id(), "--chapter", "5")
    assert done.returncode == 1
    assert "FAIL   5  Balancing" in done.stdout
    assert "5.1 With `up_to`" in done.stdout


def test_the_readme_states_the_requirements_that_are_tried() -> None:
    listed = conformance("--list")
    assert listed.returncode == 0, listed.stderr
    readme = (FOLDER / "README.md").read_text()
    assert readme.partition("## Requirements\n\n")[2] == listed.stdout


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_the_suite_imports_nothing_of_the_project(file: Path) -> None:
    allowed = {*sys.stdlib_module_names, "pytest", "requests"}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1
            imported = set() if node.level else {str(node.module)}
        else:
            continue
        assert {name.partition(".")[0] for name in imported} <= allowed
