"""An import that is killed, or whose server is killed, and started again: the same books as one that was
not.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.simulation.log import write_log
from deploy.demo.simulation.scenario import Scenario
from shared import config as configuration
from shared.messaging.socket_client import is_served
from tests.integration.commands.site import Site, new_code
from tests.support.deployment import MEDTOWN, PROJECT, Deployment
from tests.support.research_log import Expected, expect
from tests.support.waiting import wait_until

SECONDS = 60.0

Log = tuple[Path, Expected]


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A log of many calls: long enough to be caught in the middle of it."""
    path = tmp_path_factory.mktemp("logs") / "town.csv"
    scenario = Scenario(accounts=60, days=110, seed=11, overdraw_share=0.03, malformed_share=0.01)
    with path.open("w", newline="", encoding="utf-8") as file:
        write_log(scenario, file)
    return path, expect(path)


@contextmanager
def importing(tools: Mapping[str, str], path: Path, currency: str) -> Iterator["subprocess.Popen[str]"]:
    """An import in a process of its own, which is ended with the block."""
    arguments = ("import-transfers", str(path), "--currency", currency, "--format", "ukds", "--json")
    process = subprocess.Popen(
        [*MEDTOWN, *arguments],
        env={"PYTHONPATH": str(PROJECT), **tools},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_in_the_middle(site: Site, currency: str) -> bool:
    """Whether some of a currency's rows are in. Wait for the server first where the import is its own."""
    with site.services() as services:
        return len(services.accounts(currency)) > 2


def check(site: Site, currency: str, expected: Expected, summary: dict[str, Any]) -> None:
    """Everything is in once, as if nothing had happened."""
    assert (summary["rows"], summary["accounts"]) == (expected.rows, len(expected.balances))
    assert (summary["applied"], summary["volumes"]) == (expected.applied, expected.volumes)
    assert sum(summary["refused"].values()) == len(expected.refused)
    assert summary["sum"] == expected.supply
    site.verified()
    with site.services() as services:
        assert services.balances(currency, expected.balances) == expected.balances
        services.wait_for_figure(currency, "transfer_count", len(expected.payments))
        assert services.figure(currency, "volume") == sum(expected.volume_by_day.values())
        assert services.figure(currency, "supply") == expected.supply


def test_a_killed_import_is_simply_started_again(site: Site, long_log: Log) -> None:
    path, expected = long_log
    currency, socket = new_code(), configuration.load(site.tools).socket
    with importing(site.tools, path, currency) as process:
        if "MEDTOWN_AMQP_URL" not in site.tools:
            wait_until(lambda: is_served(socket), SECONDS, "the services to run")
        wait_until(lambda: is_in_the_middle(site, currency), SECONDS, "some rows to be in")
        process.kill()
        assert process.wait() == -9
    with site.services() as services:
        first_rows = services.accounts(currency)
        issued = next(one for one in first_rows if one["kind"] == "issuance")["balance"]["amount"]
        assert 0 < -issued < expected.volumes["DISBURSEMENT"]
    done = site.run("import-transfers", str(path), "--currency", currency, "--format", "ukds", "--json")
    assert done.code == 0, done
    check(site, currency, expected, json.loads(done.out))


@pytest.mark.embedded
def test_a_killed_server_is_waited_for(embedded: Deployment, long_log: Log) -> None:
    path, expected = long_log
    site, currency = Site.of(embedded), new_code()
    with importing(site.tools, path, currency) as process:
        wait_until(lambda: is_in_the_middle(site, currency), SECONDS, "some rows to be in")
        embedded.kill("up")
        assert process.poll() is None
        embedded.start("up")
        embedded.wait_until_ready()
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    check(site, currency, expected, json.loads(out))
