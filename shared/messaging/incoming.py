"""What a consumer takes for an event of its queue, and why it parks anything else at once: the same on every
bus.
"""

import msgspec

from shared.contracts import events
from shared.contracts.events import Event

WRONG_CONTENT_TYPE = "wrong-content-type"
TOO_LARGE = "too-large"
NOT_JSON = "not-json"
NOT_AN_EVENT = "not-a-cloudevent"
ANOTHER_TYPE = "another-type"
"""An event, but not of the type, or not of the version, that this queue is for."""
ANOTHER_SOURCE = "another-source"
"""It does not name the service whose event it is as where it comes from."""
WRONG_DATA = "wrong-data"


class NotTaken(Exception):
    """A message that no handler will ever be able to handle; `reason` is one of the words above."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def event_of(body: bytes, content_type: str | None, key: str) -> Event:
    """The event in a message of the queue for `key` ("<service>.<routing key>"); fields that are not known
    are left aside. Raises NotTaken.
    """
    if (content_type or "").partition(";")[0].strip().lower() != events.CONTENT_TYPE:
        raise NotTaken(WRONG_CONTENT_TYPE)
    if len(body) > events.MAX_EVENT_BYTES:
        raise NotTaken(TOO_LARGE)
    try:
        event = events.decode(body)
    except msgspec.ValidationError as fault:
        raise NotTaken(NOT_AN_EVENT) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise NotTaken(NOT_JSON) from fault
    if event.specversion != events.SPEC_VERSION:
        raise NotTaken(NOT_AN_EVENT)
    if event.type != events.TYPE_PREFIX + key:
        raise NotTaken(ANOTHER_TYPE)
    if event.source != events.source_of(event.service):
        raise NotTaken(ANOTHER_SOURCE)
    try:
        faults = events.faults_of(event)
    except Exception as fault:  # data over which a validator stumbles do not fit either
        raise NotTaken(WRONG_DATA) from fault
    if faults:
        raise NotTaken(WRONG_DATA)
    return event
