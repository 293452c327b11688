"""Databases and whole installations, each test in both ways of running: embedded, and distributed."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from shared.db.engine import Database
from shared.db.migrations import upgrade
from tests.support.api import Api, Town, administrator
from tests.support.broker import PrivateBroker
from tests.support.cluster import PrivateCluster
from tests.support.deployment import Deployment, DistributedDeployment, EmbeddedDeployment

EMBEDDED = pytest.param("embedded", marks=pytest.mark.embedded)
DISTRIBUTED = pytest.param("distributed", marks=pytest.mark.distributed)


@pytest.fixture
def migrated_folder() -> str:
    """The folder of the service whose tables `database_url` has from the start. Tests of one service override
    this, since to copy a database takes a fraction of the time of migrating one.
    """
    return ""


@pytest.fixture(params=[EMBEDDED, DISTRIBUTED])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_folder: str) -> Iterator[str]:
    """A database of the test's own, empty but for what `migrated_folder` says: an SQLite file when embedded,
    one of the private cluster's when distributed.
    """
    with new_database(request, request.param, tmp_path, migrated_folder) as url:
        yield url


@contextmanager
def new_database(
    request: pytest.FixtureRequest, kind: str, folder: Path, migrated_folder: str
) -> Iterator[str]:
    """What `database_url` is, for fixtures that many tests share."""
    if kind == "embedded":
        path = folder / "test.sqlite3"
        if migrated_folder:
            shutil.copy(request.getfixturevalue("migrated_files")(migrated_folder), path)
        yield f"sqlite:///{path}"
        return
    cluster: PrivateCluster = request.getfixturevalue("cluster")
    template = request.getfixturevalue("migrated_databases")(migrated_folder) if migrated_folder else None
    name = f"test_{secrets.token_hex(6)}"
    yield cluster.create_database(name, template=template)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def migrated_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The migrated SQLite file of a service, by its folder, to copy."""

    @cache
    def migrated(folder: str) -> Path:
        path = tmp_path_factory.mktemp("migrated") / "template.sqlite3"
        _migrate(f"sqlite:///{path}", folder)
        return path

    return migrated


@pytest.fixture(scope="session")
def migrated_databases(cluster: PrivateCluster) -> Callable[[str], str]:
    """The name of the cluster's migrated database of a service, by its folder, to copy."""

    @cache
    def migrated(folder: str) -> str:
        name = folder.replace("/", "_")
        _migrate(cluster.create_database(name), folder)
        return name

    return migrated


def _migrate(url: str, folder: str) -> None:
    database = Database(url)
    upgrade(folder, database)
    database.close()


@pytest.fixture(scope="session")
def embedded() -> Iterator[Deployment]:
    """The embedded installation of this run."""
    with EmbeddedDeployment() as deployment:
        deployment.create_admin()
        deployment.start_all()
        deployment.wait_until_ready()
        yield deployment


@pytest.fixture(scope="session")
def distributed(starting_broker: PrivateBroker, cluster: PrivateCluster) -> Iterator[Deployment]:
    """The distributed installation of this run."""
    with DistributedDeployment(starting_broker, cluster) as deployment:
        starting_broker.wait_until_ready()
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
