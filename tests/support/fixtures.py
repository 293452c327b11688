"""The servers and the browser of a test run: each started once, when the first test asks for it."""

from collections.abc import Iterator

import pytest

from tests.support.broker import PrivateBroker
from tests.support.browser import Chromium
from tests.support.cluster import PrivateCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[PrivateCluster]:
    """The PostgreSQL of this run."""
    with PrivateCluster() as private:
        yield private


@pytest.fixture(scope="session")
def starting_broker() -> Iterator[PrivateBroker]:
    """The RabbitMQ of this run, maybe still starting: for set-up that has other things to make first."""
    private = PrivateBroker()
    yield private
    private.close()


@pytest.fixture(scope="session")
def broker(starting_broker: PrivateBroker) -> PrivateBroker:
    """The RabbitMQ of this run."""
    starting_broker.wait_until_ready()
    return starting_broker


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser of this run."""
    with Chromium() as browser:
        yield browser
