"""Who is signed in: a session's secret exchanged at identity for internal tokens, remembered for a moment.

A session that is ended through this process is forgotten at once; one that another process ended is at most
`REMEMBERED_SECONDS` longer believed here.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts import clock, dashboard, identity, ledger
from shared.messaging.client import Client

AUDIENCES = (ledger.AUDIENCE, identity.AUDIENCE, dashboard.AUDIENCE)
CACHE_SIZE = 10_000
REMEMBERED_SECONDS = 10
"""Long enough that a busy till asks identity rarely, short enough that signing out is signing out. Internal
tokens last much longer, so none ends while its request is on its way."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session, and the internal tokens that speak for them, by audience; believed until
    `remembered_until` (Unix microseconds).
    """

    secret: str
    person: Mapping[str, Any]
    tokens: Mapping[str, str]
    remembered_until: int

    @property
    def id(self) -> str:
        return str(self.person["id"])

    @property
    def name(self) -> str:
        return str(self.person["name"])

    def has(self, *roles: str) -> bool:
        return not set(roles).isdisjoint(self.person["roles"])


class SessionTokens:
    """Exchanges sessions at identity and remembers the answers, by the hash of the secret."""

    def __init__(
        self, client: Client, size: int = CACHE_SIZE, now_us: Callable[[], int] = clock.now_us
    ) -> None:
        self._client = client
        self._size = size
        self._now_us = now_us
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, SignedIn] = OrderedDict()

    def exchange(self, secret: str, not_after: int) -> SignedIn:
        """The person behind a session. Raises Refusal `not-signed-in` where the session is none."""
        key = _key(secret)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.remembered_until > self._now_us():
            return known
        answer = self._client.call(
            identity.SERVICE,
            "exchange",
            {"session": secret, "audiences": list(AUDIENCES)},
            not_after=not_after,
        )
        until = self._now_us() + REMEMBERED_SECONDS * clock.MICROSECONDS
        fresh = SignedIn(secret, answer["person"], answer["tokens"], until)
        with self._lock:
            self._known[key] = fresh
            self._known.move_to_end(key)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return fresh

    def forget(self, secret: str) -> None:
        """Drop what is remembered of a session."""
        with self._lock:
            self._known.pop(_key(secret), None)


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
