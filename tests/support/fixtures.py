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
def broker() -> Iterator[PrivateBroker]:
    """The RabbitMQ of this run."""
    with PrivateBroker() as private:
        yield private


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser of this run."""
    with Chromium() as browser:
        yield browser
