"""Identity's periodic work: publish its events, forget what has expired."""

from functools import partial

from services.cop.identity.operations import forget_expired
from services.cop.identity.resources import Resources
from services.cop.identity.tables import outbox
from shared.jobs import Job
from shared.messaging.publisher import Publisher
from shared.outbox.relay import OutboxRelay

RELAY_SECONDS = 0.5
FORGET_SECONDS = 600


def jobs(resources: Resources, publisher: Publisher) -> list[Job]:
    relay = OutboxRelay(resources.database, outbox, "identity", publisher)
    return [
        Job("identity-outbox-relay", RELAY_SECONDS, relay.step),
        Job("identity-forget-expired", FORGET_SECONDS, partial(forget_expired, resources)),
    ]
