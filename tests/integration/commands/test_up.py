"""`medtown up` and the commands about it: what it refuses, how it stops, and what it leaves."""

import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from deploy.services import SERVICES
from shared import config as configuration
from tests.integration.commands.site import Site
from tests.support.api import Town, administrator
from tests.support.commands import medtown
from tests.support.deployment import START_SECONDS, Deployment, EmbeddedDeployment
from tests.support.ports import accepts_connections, free_port
from tests.support.waiting import wait_until

STOP_SECONDS = 5.0


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_taken_is_refused_before_anything_is_made(alone: Site, taken_port: int) -> None:
    refusal = medtown("up", environment={**alone.tools, "MEDTOWN_PORT": str(taken_port)}).refusal
    assert refusal.startswith(f"port {taken_port} of 127.0.0.1 cannot be used (Address already in use)")
    assert not Path(alone.tools["MEDTOWN_DATA"]).exists()


def test_a_host_that_is_none_is_refused(alone: Site) -> None:
    refusal = medtown("up", environment={**alone.tools, "MEDTOWN_HOST": "300.1.1.1"}).refusal
    assert refusal.startswith("MEDTOWN_HOST is '300.1.1.1', which is no address here")


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {
        "MEDTOWN_DATA": str(tmp_path / "file"),
        "MEDTOWN_PORT": str(free_port()),
        "MEDTOWN_DEMO": "off",
    }
    assert "file: Not a directory" in medtown("up", environment=environment).refusal


def test_a_data_folder_belongs_to_one_server_at_a_time(embedded: Deployment) -> None:
    site = Site.of(embedded)
    busy = f"the data folder {embedded.data} is in use by another process"
    assert medtown("up", environment={**site.tools, "MEDTOWN_PORT": str(free_port())}).refusal == busy
    assert site.run("migrate").refusal == busy


def test_ctrl_c_stops_it_and_leaves_nothing_behind() -> None:
    with EmbeddedDeployment() as deployment:
        deployment.start_all()
        deployment.wait_until_ready()
        before = time.monotonic()
        assert deployment.stop("up", signal.SIGINT) == 0
        assert time.monotonic() - before < STOP_SECONDS
        assert deployment.logs().rstrip().endswith("Stopping ...")
        assert not accepts_connections(deployment.port)
        tools = deployment.environment("tools")
        assert not configuration.load(tools).socket.exists()
        assert medtown("migrate", environment=tools).out.count("up to date") == len(SERVICES)


def test_sigterm_stops_it_even_while_the_demo_comes_in() -> None:
    with EmbeddedDeployment(demo="auto") as deployment:
        deployment.start_all()
        wait_until(
            lambda: "Bringing in the demo data" in deployment.logs(), START_SECONDS, "the demo to begin"
        )
        before = time.monotonic()
        assert deployment.stop("up", signal.SIGTERM) == 0
        assert time.monotonic() - before < STOP_SECONDS
        assert deployment.logs().rstrip().endswith("Stopping ...")


def test_it_ends_where_its_writer_does() -> None:
    with EmbeddedDeployment() as deployment:
        deployment.create_admin()
        deployment.start_all()
        deployment.wait_until_ready()
        town = Town(administrator(deployment.base_url))
        with closing(sqlite3.connect(deployment.data / "ledger.sqlite3")) as ledger:
            ledger.execute("UPDATE partitions SET term = term + 1")
            ledger.commit()
        with ThreadPoolExecutor(1) as caller:
            asked = caller.submit(town.account)
            wait_until(lambda: deployment.has_ended("up"), START_SECONDS, "the process to end")
            assert asked.exception() is not None
        assert deployment.exit_code("up") == 3
        assert deployment.logs().rstrip().endswith("start it again")
        deployment.start_all()
        deployment.wait_until_ready()
        town.account()


def test_migrating_is_what_starting_does_as_well(alone: Site) -> None:
    assert alone.run("migrate", "--service", "ledger").out == "ledger: up to date\n"
    assert alone.run("migrate").out.splitlines() == [f"{name}: up to date" for name in SERVICES]
    assert alone.run("migrate").code == 0
