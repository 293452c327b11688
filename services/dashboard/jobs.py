"""The dashboard's periodic work: follow the journal even if no message comes, forget old inbox rows."""

from functools import partial

from services.dashboard.projection import projector
from services.dashboard.registrations.operations import forget_old
from services.dashboard.resources import Resources
from shared.jobs import Job

CATCH_UP_SECONDS = 1.0
FORGET_SECONDS = 600.0


def jobs(resources: Resources) -> list[Job]:
    return [
        Job("dashboard-catch-up", CATCH_UP_SECONDS, partial(projector.catch_up, resources)),
        Job("dashboard-forget-inbox", FORGET_SECONDS, partial(forget_old, resources)),
    ]
