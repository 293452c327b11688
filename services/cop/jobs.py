"""The community of practice's periodic work: publish its events."""

from services.cop.resources import Resources
from services.cop.schema import outbox
from shared.jobs import Job
from shared.messaging.publisher import Publisher
from shared.outbox.relay import OutboxRelay

RELAY_SECONDS = 0.5


def jobs(resources: Resources, publisher: Publisher) -> list[Job]:
    relay = OutboxRelay(resources.database, outbox, "cop", publisher)
    return [Job("cop-outbox-relay", RELAY_SECONDS, relay.step)]
