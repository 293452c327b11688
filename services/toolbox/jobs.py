"""The toolbox's periodic work: publish its events, remove the files of what was deleted, clear up uploads
that came to nothing.
"""

from functools import partial

from services.toolbox.documents.operations import forget_staged, remove_files
from services.toolbox.documents.tables import outbox
from services.toolbox.resources import Resources
from shared.jobs import Job
from shared.messaging.publisher import Publisher
from shared.outbox.relay import OutboxRelay

RELAY_SECONDS = 0.5
REMOVE_SECONDS = 2.0
FORGET_SECONDS = 600.0


def jobs(resources: Resources, publisher: Publisher) -> list[Job]:
    relay = OutboxRelay(resources.database, outbox, "toolbox", publisher)
    return [
        Job("toolbox-outbox-relay", RELAY_SECONDS, relay.step),
        Job("toolbox-remove-files", REMOVE_SECONDS, partial(remove_files, resources)),
        Job("toolbox-forget-staged", FORGET_SECONDS, partial(forget_staged, resources)),
    ]
