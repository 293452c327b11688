"""Ids of commands under which surely nothing is stored yet, so that nobody need ask the database for them.

A UUIDv7 tells when it was made, and only the leading writer stores any. So whoever remembers all that are
stored of those made after some moment knows of every other one made after it that it is new: nearly all that
comes is. Older ids, derived ones and those that come again are asked for.
"""

import re
from collections.abc import Collection

from services.ledger.writer.store import Store
from shared.contracts import clock, ids

MAX_REMEMBERED = 100_000
BEFORE_US = 60 * clock.MICROSECONDS
"""Of how long before the writer's term ids are remembered, if they are not too many."""
BEYOND_US = 366 * 24 * 3600 * clock.MICROSECONDS
"""What was made later than so long after is asked for, whoever's clock it was."""

_SPAN = 11
"""So many characters of an id tell which quarter of a second it was made in (256 ms, to be exact)."""

_are_timed = re.compile(f"(?:{ids.TIMED_PATTERN})*").fullmatch


class FreshIds:
    """Remembers ids from `now_us` on, the partition's time when this writer's term began.

    Used by the writer's thread alone. May raise StoreError when it is made.
    """

    def __init__(self, store: Store, partition: int, now_us: int) -> None:
        since, until = (ids.first_id(us // 1000) for us in (now_us - BEFORE_US, now_us + BEYOND_US))
        stored = store.load_recent(partition, since, until, MAX_REMEMBERED)
        self._spans: dict[str, set[str]] = {}
        self._count = 0
        self._forgotten, self._beyond = since[:_SPAN], until[:_SPAN]
        """All ids of the spans between these are remembered."""
        if len(stored) == MAX_REMEMBERED:
            self._forgotten = min(stored)[:_SPAN]
        self.take(stored)

    def take(self, asked: Collection[str]) -> list[str]:
        """Those of the ids under which something may be stored; from now on the others are such ids too."""
        all_timed = _are_timed("".join(asked))
        doubtful: list[str] = []
        for id in asked:
            span = id[:_SPAN]
            known = self._forgotten < span < self._beyond
            if not known or not (all_timed or ids.is_timed(id)):
                doubtful.append(id)
                continue
            remembered = self._spans.get(span)
            if remembered is None:
                remembered = self._spans[span] = set()
            if id in remembered:
                doubtful.append(id)
            else:
                remembered.add(id)
                self._count += 1
        while self._count > MAX_REMEMBERED:
            self._forget()
        return doubtful

    def _forget(self) -> None:
        """Forget the oldest spans: many at once, since looking which these are takes long where all of them
        are short.
        """
        for span in sorted(self._spans)[: len(self._spans) // 4 + 1]:
            self._count -= len(self._spans.pop(span))
            self._forgotten = span
