from services.cop.identity.tables import metadata
from shared.db.migrations import run

run(metadata)
