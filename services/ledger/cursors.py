"""Opaque cursors of lists: the number after which the next page begins."""

import base64
import binascii

from shared.contracts.errors import Fault, Refusal

MAX_NUMBER = 2**63 - 1
"""What a column of a database holds."""


def encode(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def decode(cursor: str | None) -> int | None:
    """The number; None without a cursor. Raises Refusal `invalid-request` for one that is not ours."""
    if not cursor:
        return None
    try:
        number = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        number = -1
    if not 0 <= number <= MAX_NUMBER:
        fault = Fault("/cursor", "invalid", "the next_cursor of the page before, unchanged")
        raise Refusal("invalid-request", (fault,))
    return number
