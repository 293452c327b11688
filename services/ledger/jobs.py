"""The ledger's periodic work: publish the journal, have done what time has made due, read the journal for
queries, forget refusals whose ids can never come again.
"""

from functools import partial

from sqlalchemy import delete, select

from services.ledger.accounts.following import follow
from services.ledger.journal.relay import JournalRelay
from services.ledger.resources import Resources
from services.ledger.tables import refusals
from services.ledger.timekeeping import Timekeeper
from shared.contracts import clock
from shared.jobs import Job
from shared.messaging.publisher import Publisher

RELAY_SECONDS = 0.1
DUE_SECONDS = 1.0
EXPIRED_SECONDS = 30.0
LIMITS_SECONDS = 10.0
FOLLOW_SECONDS = 2.0
FORGET_SECONDS = 60.0
REFUSALS_KEPT_US = 8 * 24 * 3600 * clock.MICROSECONDS
FORGOTTEN_AT_ONCE = 1000


def jobs(resources: Resources, publisher: Publisher) -> list[Job]:
    relay = JournalRelay(resources, publisher)
    timekeeper = Timekeeper(resources)
    return [
        Job("ledger-journal-relay", RELAY_SECONDS, relay.step),
        Job("ledger-due", DUE_SECONDS, timekeeper.step_due),
        Job("ledger-expired", EXPIRED_SECONDS, timekeeper.step_expired),
        Job("ledger-limits", LIMITS_SECONDS, timekeeper.step_limits),
        Job("ledger-follow-journal", FOLLOW_SECONDS, partial(follow, resources)),
        Job("ledger-forget-refusals", FORGET_SECONDS, partial(forget_refusals, resources)),
    ]


def forget_refusals(resources: Resources) -> bool:
    """Forget at most 1,000 refusals of more than eight days ago; says whether more may be waiting.

    Derived ids may come again at any time and keep their refusals; a UUIDv7 that old is out of its window.
    """
    with resources.database.write() as connection:
        old = (
            select(refusals.c.command)
            .where(refusals.c.recorded_at < clock.now_us() - REFUSALS_KEPT_US, ~refusals.c.derived)
            .limit(FORGOTTEN_AT_ONCE)
        )
        commands = list(connection.execute(old).scalars())
        connection.execute(delete(refusals).where(refusals.c.command.in_(commands)))
    return len(commands) == FORGOTTEN_AT_ONCE
