"""The demo data: whole after an interruption, marked as simulated, and on this machine alone."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from deploy.demo import seed
from deploy.demo.simulation.scenario import Scenario
from shared import config as configuration
from shared.messaging.socket_client import is_served
from tests.integration.commands.site import Services, Site
from tests.support.api import Api
from tests.support.commands import Done, connected, medtown
from tests.support.deployment import START_SECONDS, EmbeddedDeployment
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SEEDED_SECONDS = 90.0


class Cut(Exception):
    """The seeding is interrupted here."""


@pytest.fixture(scope="module")
def small_town() -> Iterator[None]:
    """The demo's town, of fewer people and days."""
    town = Scenario(accounts=40, days=30, seed=3, start=date(2026, 1, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seed, "seville_demo", lambda ends_on: town)
        yield


@pytest.fixture(scope="module")
def demo(small_town: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Done]:
    """A demo whose seeding was interrupted and then gone on with, and what that said."""
    site = Site.alone(tmp_path_factory.mktemp("demo") / "data")

    def cut(rows: int) -> None:
        if rows:
            raise Cut

    with pytest.raises(Cut), connected(site.tools) as connection:
        seed.seed_demo(configuration.load(site.tools), connection.client, cut)
    assert (folder(site) / "demo.pending").exists()
    sign_ins = (folder(site) / "demo.json").read_text()
    done = site.run("demo")
    assert done.code == 0, done
    assert (folder(site) / "demo.json").read_text() == sign_ins
    assert not (folder(site) / "demo.pending").exists()
    return site, done


def folder(site: Site) -> Path:
    return Path(site.tools["MEDTOWN_DATA"])


def books(site: Site) -> tuple[dict[str, int], int]:
    """What everybody holds, and how many records there are."""
    with site.services() as services:
        held = {one["id"]: one["balance"]["amount"] for one in services.accounts(seed.CURRENCY)}
    return held, site.verified()["records"]


def test_a_seeding_that_was_interrupted_leads_to_the_same(demo: tuple[Site, Done], tmp_path: Path) -> None:
    whole = Site.alone(tmp_path / "whole")
    assert whole.run("demo").code == 0
    assert books(demo[0]) == books(whole)


def test_the_demo_is_marked_as_simulated_and_its_sign_ins_are_told(demo: tuple[Site, Done]) -> None:
    site, done = demo
    assert done.out.splitlines()[0] == "Simulated demo data. Sign in as:"
    for purpose in ("household", "shop", "operator", "administrator"):
        assert f"  {purpose}" in done.out
    assert (folder(site) / "demo.json").stat().st_mode & 0o077 == 0
    with site.services() as services:
        assert services.ask("ledger", "get_currency", id=seed.CURRENCY)["simulated"] is True
        names = services.ask("identity", "find_listed", text="simulated")["data"]
        assert names
        assert all(one["name"].endswith("(simulated)") for one in names)


def test_the_demo_goes_into_an_empty_installation_and_stays_on_this_machine(demo: tuple[Site, Done]) -> None:
    site, _ = demo
    again = site.run("demo")
    assert again.refusal == "there is a currency already: demo data go into an empty installation only"
    outside = {**site.tools, "MEDTOWN_HOST": "0.0.0.0", "MEDTOWN_PORT": str(free_port())}
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
