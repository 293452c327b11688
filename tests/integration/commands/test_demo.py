"""The demo data: whole after an interruption, marked as simulated, and on this machine alone."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from deploy.demo import seed
from deploy.demo.simulation.scenario import Scenario
from shared import config as configuration
from shared.messaging.socket_client import is_served
from tests.integration.commands.site import Services, Site
from tests.support.api import Api
from tests.support.commands import connected, medtown
from tests.support.deployment import START_SECONDS, EmbeddedDeployment
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SEEDED_SECONDS = 90.0


class Cut(Exception):
    """The seeding is interrupted here."""


@pytest.fixture
def small_town(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's town, of fewer people and days."""
    monkeypatch.setattr(
        seed, "seville_demo", lambda ends_on: Scenario(accounts=40, days=30, seed=3, start=date(2026, 1, 5))
    )


def seeded(site: Site, progress: Callable[[int], None] = lambda rows: None) -> None:
    with connected(site.tools) as connection:
        seed.seed_demo(configuration.load(site.tools), connection.client, progress)


def books(site: Site) -> tuple[dict[str, int], int]:
    """What everybody holds, and how many records there are."""
    with site.services() as services:
        held = {one["id"]: one["balance"]["amount"] for one in services.accounts(seed.CURRENCY)}
    return held, site.verified()["records"]


@pytest.mark.usefixtures("small_town")
def test_a_seeding_that_was_interrupted_is_gone_on_with(alone: Site, tmp_path: Path) -> None:
    def cut(rows: int) -> None:
        if rows:
            raise Cut

    with pytest.raises(Cut):
        seeded(alone, cut)
    sign_ins = (Path(alone.tools["MEDTOWN_DATA"]) / "demo.json").read_text()
    assert alone.run("demo").code == 0
    whole = Site.alone(tmp_path / "whole")
    assert whole.run("demo").code == 0
    assert books(alone) == books(whole)
    assert (Path(alone.tools["MEDTOWN_DATA"]) / "demo.json").read_text() == sign_ins
    assert not (Path(alone.tools["MEDTOWN_DATA"]) / "demo.pending").exists()


@pytest.mark.usefixtures("small_town")
def test_the_demo_is_marked_and_stays_on_this_machine(alone: Site) -> None:
    done = alone.run("demo")
    assert done.out.splitlines()[0] == "Simulated demo data. Sign in as:"
    for purpose in ("household", "shop", "operator", "administrator"):
        assert f"  {purpose}" in done.out
    assert (Path(alone.tools["MEDTOWN_DATA"]) / "demo.json").stat().st_mode & 0o077 == 0
    with alone.services() as services:
        assert services.ask("ledger", "get_currency", id=seed.CURRENCY)["simulated"] is True
        names = services.ask("identity", "find_listed", text="simulated")["data"]
        assert names
        assert all(one["name"].endswith("(simulated)") for one in names)
    again = alone.run("demo")
    assert again.refusal == "there is a currency already: demo data go into an empty installation only"
    outside = {**alone.tools, "MEDTOWN_HOST": "0.0.0.0", "MEDTOWN_PORT": str(free_port())}
    assert (
        "holds demo accounts, which work on this machine alone" in medtown("up", environment=outside).refusal
    )


@pytest.mark.slow
def test_a_first_start_that_was_killed_is_gone_on_with_at_the_next() -> None:
    with EmbeddedDeployment(demo="auto") as deployment:
        tools = deployment.environment("tools")
        deployment.start_all()
        wait_until(lambda: has_accounts(tools), START_SECONDS, "some of the demo to be in")
        deployment.kill("up")
        assert (deployment.data / "demo.pending").exists()
        deployment.start("up")
        wait_until(lambda: "MedTOWN runs at" in deployment.logs(), SEEDED_SECONDS, "the demo to be in")
        deployment.wait_until_ready()
        for sign_in in json.loads((deployment.data / "demo.json").read_text()):
            assert sign_in["password"] in deployment.logs()
            Api(deployment.base_url).sign_in(sign_in["email"], sign_in["password"])
        Site.of(deployment).verified()


def has_accounts(tools: Mapping[str, str]) -> bool:
    if not is_served(configuration.load(tools).socket):
        return False
    with connected(tools) as connection:
        return len(Services(connection).accounts(seed.CURRENCY)) > 2
