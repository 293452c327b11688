"""Installations to run commands on, and logs to import."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from deploy.demo.simulation.log import write_log
from deploy.demo.simulation.scenario import Scenario
from tests.integration.commands.site import Site
from tests.support.research_log import Expected, expect


@pytest.fixture
def alone(tmp_path: Path) -> Site:
    """A data folder of the test's own that no server runs on."""
    return Site.alone(tmp_path / "data")


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The data folder of a ledger into which a log was imported as PUMA, by the log's text, to copy: an
    import makes all databases first, which takes longer than what most tests do with them.
    """

    @cache
    def folder_of(text: str) -> Path:
        place = tmp_path_factory.mktemp("imported")
        log, data = place / "log.csv", place / "data"
        log.write_text(text)
        done = Site.alone(data).run("import-transfers", str(log), "--currency", "PUMA", "--format", "ukds")
        assert done.code == 0, done
        return data

    return folder_of


@pytest.fixture
def with_books(alone: Site, imported: Callable[[str], Path]) -> Callable[[str], Site]:
    """Gives the test's own data folder the books of a log, as if it had just been imported."""

    def put(text: str) -> Site:
        shutil.copytree(imported(text), Path(alone.tools["MEDTOWN_DATA"]))
        return alone

    return put


@pytest.fixture(
    params=[
        pytest.param("alone", marks=pytest.mark.embedded),
        pytest.param("embedded", marks=pytest.mark.embedded),
        pytest.param("distributed", marks=pytest.mark.distributed),
    ]
)
def site(request: pytest.FixtureRequest) -> Site:
    """Without a server, beside the embedded one, and over RabbitMQ."""
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, Site) else Site.of(found)


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected]:
    """A simulated log with rows of every kind, some of them faulty, and what it leads to."""
    path = tmp_path_factory.mktemp("logs") / "town.csv"
    scenario = Scenario(
        accounts=30, days=25, seed=7, overdraw_share=0.06, malformed_share=0.06, extra_decimals=True
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        write_log(scenario, file)
    return path, expect(path)
