"""Counting registrations."""

from services.dashboard.projection.areas import day_of
from services.dashboard.projection.rows import put
from services.dashboard.registrations.tables import inbox, registration_days
from services.dashboard.resources import Resources
from shared.contracts import clock
from shared.contracts.events import Event
from shared.inbox.table import first_time, purge


def count_registration(resources: Resources, event: Event) -> None:
    """Handle `identity.person.registered.v1`: one more on the day of the event."""
    day = day_of(clock.from_text(event.time))
    with resources.database.write() as connection:
        if first_time(connection, inbox, event):
            put(connection, registration_days, ("day", "people"), [(day, 1)], key=("day",), add=("people",))


def forget_old(resources: Resources) -> bool:
    """Remove a bite of old rows from the inbox; says whether more may be waiting."""
    return purge(resources.database, inbox)
