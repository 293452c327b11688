"""Opaque cursors of lists: where the last row of a page stands in the list's order."""

import base64
import binascii
import json
from typing import Any

from shared.contracts.errors import Fault, Refusal


def encode(*place: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The place, each part of it of its kind; None without a cursor. Raises Refusal `invalid-request` for
    one that is not ours.
    """
    if not cursor:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        place = None
    fits = isinstance(place, list) and [type(part) for part in place] == list(kinds)
    if not fits or not all(_can_stand(part) for part in place):
        fault = Fault("/cursor", "invalid", "the next_cursor of the page before, unchanged")
        raise Refusal("invalid-request", (fault,))
    return tuple(place)


def _can_stand(part: str | int) -> bool:
    """Whether a database can compare with it: a text that can be stored, a number of 64 bits."""
    if isinstance(part, int):
        return 0 <= part < 2**63
    return "\0" not in part and not any("\ud800" <= sign <= "\udfff" for sign in part)


def page(rows: list[Any], limit: int, *names: str) -> tuple[list[Any], dict[str, Any]]:
    """A page of rows, of which one more than `limit` was asked for, and how the list goes on; `names` are the
    columns of its order.
    """
    shown, more = rows[:limit], len(rows) > limit
    cursor = encode(*(getattr(shown[-1], name) for name in names)) if more else None
    return shown, {"next_cursor": cursor, "has_more": more}
