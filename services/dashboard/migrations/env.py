from services.dashboard.projection import tables as projection
from services.dashboard.registrations import tables as registrations
from services.dashboard.schema import METADATA
from shared.db.migrations import run

assert projection.positions.metadata is registrations.inbox.metadata is METADATA
run(METADATA)
