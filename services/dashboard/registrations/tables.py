"""Tables of registrations. They are fed by events, not by the journal: a rebuild leaves them alone."""

from sqlalchemy import Table

from services.dashboard.schema import METADATA, STRICT, key, whole
from shared.inbox.table import inbox_table

registration_days = Table("registration_days", METADATA, key("day"), whole("people"), **STRICT)

inbox = inbox_table(METADATA)
