"""Faults of clocks: set back by little, which nobody may notice, and by much, which must stop payments."""

import random

from tests.support.faults.site import WRITER, Site, answers
from tests.support.waiting import wait_until

WAIT_SECONDS = 60.0
LITTLE_SECONDS = (1, 2, 30, 55)
MUCH_SECONDS = (70, 3600, 400 * 24 * 3600)
"""Well beyond the tolerance of 60 s: the last record may be some seconds old."""
BEHIND = "clock-behind"


def set_clock_back(site: Site, chance: random.Random) -> None:
    """The writer's clock is set back while it works, alone and with identity's; it starts with the wrong time
    as well.
    """
    try:
        site.clock.set_back(chance.choice(LITTLE_SECONDS))
        site.load.wait_until_moving()
        refused = site.load.memory.not_answers[BEHIND]
        site.clock.set_back(chance.choice(MUCH_SECONDS))
        wait_until(
            lambda: site.load.memory.not_answers[BEHIND] > refused, WAIT_SECONDS, "payments to be refused"
        )
        site.kill(chance.choice((WRITER, "identity")))
        wait_until(
            lambda: answers(site.deployment.metrics_url(WRITER), "/readyz"), WAIT_SECONDS, "a writer to lead"
        )
        site.clock.set_back(chance.choice(LITTLE_SECONDS))
        site.load.wait_until_moving()
    finally:
        site.clock.set_back(0)
