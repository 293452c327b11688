"""Installations to run commands on, and logs to import."""

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
