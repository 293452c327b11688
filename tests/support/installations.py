"""Databases and whole installations, each test in both ways of running: embedded, and distributed."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api, Town, administrator
from tests.support.cluster import PrivateCluster
from tests.support.deployment import Deployment, DistributedDeployment, EmbeddedDeployment

EMBEDDED = pytest.param("embedded", marks=pytest.mark.embedded)
DISTRIBUTED = pytest.param("distributed", marks=pytest.mark.distributed)


@pytest.fixture(params=[EMBEDDED, DISTRIBUTED])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, empty database: an SQLite file when embedded, one of the private cluster's when
    distributed.
    """
    if request.param == "embedded":
        yield f"sqlite:///{tmp_path}/test.sqlite3"
        return
    cluster: PrivateCluster = request.getfixturevalue("cluster")
    name = f"test_{secrets.token_hex(6)}"
    yield cluster.create_database(name)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def embedded() -> Iterator[Deployment]:
    """The embedded installation of this run."""
    with EmbeddedDeployment() as deployment:
        deployment.create_admin()
        deployment.start_all()
        deployment.wait_until_ready()
        yield deployment


@pytest.fixture(scope="session")
def distributed(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """The distributed installation of this run."""
    broker, cluster = request.getfixturevalue("broker"), request.getfixturevalue("cluster")
    with DistributedDeployment(broker, cluster) as deployment:
        deployment.start_all()
        deployment.wait_until_ready()
        deployment.create_admin()
        yield deployment


@pytest.fixture(params=[EMBEDDED, DISTRIBUTED])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """The installation of this run, in each way of running."""
    running: Deployment = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def operator(deployment: Deployment) -> Api:
    """Signed in as the installation's administrator and operator."""
    return administrator(deployment.base_url)


@pytest.fixture
def town(operator: Api) -> Town:
    """A currency of the test's own."""
    return Town(operator)
