from services.toolbox.documents.tables import metadata
from shared.db.migrations import run

run(metadata)
