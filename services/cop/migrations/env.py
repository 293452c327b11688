from services.cop.discussions import tables as discussions
from services.cop.groups import tables as groups
from services.cop.schema import METADATA
from shared.db.migrations import run

assert groups.groups.metadata is discussions.topics.metadata is METADATA
run(METADATA)
