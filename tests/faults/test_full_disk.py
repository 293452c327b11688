"""The one process on a disk that fills up: payments and files are refused, and all goes on once there is
room.
"""

import random
from pathlib import Path

import pytest

from tests.support import tally
from tests.support.api import Town, administrator
from tests.support.deployment import EmbeddedDeployment
from tests.support.faults.one_process import check
from tests.support.faults.small_disk import MEGABYTE, can_mount, fill, make_room, small_disk
from tests.support.faults.steady_load import SteadyLoad

SEED = 20261123
ROUNDS = 5
DISK = 160 * MEGABYTE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class OnDisk(EmbeddedDeployment):
    """The embedded installation with its data on a disk of its own."""

    def __init__(self, disk: Path) -> None:
        super().__init__()
        self._disk = disk

    @property
    def data(self) -> Path:
        return self._disk / "data"


def test_a_full_disk_stops_payments_and_files_until_there_is_room() -> None:
    if not can_mount():
        pytest.skip("only who may mount a file system can fill a small one")
    chance = random.Random(SEED)
    with small_disk(DISK) as disk, OnDisk(disk) as deployment:
        deployment.create_admin()
        deployment.start("up")
        deployment.wait_until_ready()
        town = Town(administrator(deployment.base_url))
        load = SteadyLoad(town, SEED)
        load.start()
        try:
            for _ in range(ROUNDS):
                load.wait_until_moving()
                fill(disk)
                load.wait_until_hampered()
                document = {"files": {"file": ("a.txt", b"text", None)}}
                town.operator.refused("storage-full", "POST", "/documents", **document)
                if chance.random() < 0.5:
                    deployment.kill("up")
                    make_room(disk)
                    deployment.start("up")
                else:
                    make_room(disk)
                load.wait_until_moving()
                load.settle()
                check(deployment, town, load)
                load.go_on()
                tally.count("rounds of a full disk, embedded")
        finally:
            load.stop()
