"""The dashboard's periodic work: follow the journal even if no message comes, have the figures of closed
periods worked out, forget old inbox rows.
"""

from functools import partial

from services.dashboard.projection import projector
from services.dashboard.registrations.operations import forget_old
from services.dashboard.resources import Resources
from shared.jobs import Job
from shared.messaging.publisher import Publisher

CATCH_UP_SECONDS = 1.0
CLOSED_PERIODS_SECONDS = 2.0
FORGET_SECONDS = 600.0


def jobs(resources: Resources, _publisher: Publisher) -> list[Job]:
    return [
        Job("dashboard-catch-up", CATCH_UP_SECONDS, projector.CatchUp(resources).step),
        Job(
            "dashboard-closed-periods",
            CLOSED_PERIODS_SECONDS,
            partial(resources.child.step, resources.database, resources.partitions),
        ),
        Job("dashboard-forget-inbox", FORGET_SECONDS, partial(forget_old, resources)),
    ]
