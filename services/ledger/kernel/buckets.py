"""Buckets: what the units of an account are told apart by.

A bucket is (expires_on, purpose, received_on, reservation), each empty unless the charter or a reservation
needs it. Its text begins with the day of expiry, so that an index finds what lapses.
"""

from functools import lru_cache
from typing import NamedTuple

PLAIN = ""
"""The bucket of units without purpose, lapse, lot or reservation. It alone may be overdrawn."""

SEPARATOR = "|"


class Bucket(NamedTuple):
    """Days are texts like 2026-11-23, in UTC; `reservation` is the id of the pending transfer that holds the
    units.
    """

    expires_on: str = ""
    purpose: str = ""
    received_on: str = ""
    reservation: str = ""

    def text(self) -> str:
        """The bucket as it stands in entries and balances; empty for the plain one."""
        return SEPARATOR.join(self) if any(self) else PLAIN


@lru_cache(maxsize=65536)
def parse(text: str) -> Bucket:
    """What `Bucket.text` wrote."""
    return Bucket(*text.split(SEPARATOR)) if text else Bucket()


def reserved(text: str, reservation: str) -> str:
    """The bucket that holds units of another one for a pending transfer."""
    return parse(text)._replace(reservation=reservation).text()


def unreserved(text: str) -> str:
    """The bucket that reserved units came from."""
    return parse(text)._replace(reservation="").text()
