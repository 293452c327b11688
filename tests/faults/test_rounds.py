"""Rounds of faults: a few every time, a hundred and more where there is time (`make test-all`)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults import rounds
from tests.support.broker import PrivateBroker
from tests.support.cluster import PrivateCluster
from tests.support.deployment import DistributedDeployment
from tests.support.faults.site import Site

SEED = 20261123
FEW = 3
MANY = 110
MANY_SECONDS = 3600


@pytest.fixture
def site_of(
    distributed: DistributedDeployment, broker: PrivateBroker, cluster: PrivateCluster
) -> Iterator[Callable[[int], Site]]:
    """Makes the site of a seed, on this run's installation."""
    if not (broker.is_private and cluster.is_private):
        pytest.skip("servers that were given are not ours to stop")
    with ExitStack() as stack:
        yield lambda seed: stack.enter_context(Site(distributed, broker, cluster, seed))


def test_a_few_faults_leave_no_trace(site_of: Callable[[int], Site]) -> None:
    rounds.run(site_of(SEED), SEED, FEW, rounds.QUICK, in_full=False)


@pytest.mark.slow
@pytest.mark.timeout(MANY_SECONDS)
def test_a_hundred_faults_leave_no_trace(site_of: Callable[[int], Site]) -> None:
    rounds.run(site_of(SEED + 1), SEED + 1, MANY)
