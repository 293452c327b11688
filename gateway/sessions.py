"""Who is signed in: a session's secret exchanged at identity for internal tokens, remembered for a moment.

A session that is ended through this process is forgotten at once; one that another process ended is at most
`REMEMBERED_SECONDS` longer believed here.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.recent import Recent
from shared.contracts import cop, dashboard, identity, ledger, toolbox
from shared.messaging.client import Client

AUDIENCES: Mapping[str, str] = {
    each.SERVICE: each.AUDIENCE for each in (ledger, identity, cop, dashboard, toolbox)
}
"""What a token must name to be taken by each service that the gateway asks."""
CACHE_SIZE = 10_000
REMEMBERED_SECONDS = 10
"""Long enough that a busy till asks identity rarely, short enough that signing out is signing out. Internal
tokens last much longer, so none ends while its request is on its way."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session, and the internal tokens that speak for them, by audience."""

    secret: str
    person: Mapping[str, Any]
    tokens: Mapping[str, str]

    @property
    def id(self) -> str:
        return str(self.person["id"])

    @property
    def name(self) -> str:
        return str(self.person["name"])

    def has(self, *roles: str) -> bool:
        return not set(roles).isdisjoint(self.person["roles"])


class SessionTokens:
    """Exchanges sessions at identity and remembers the answers, by the hash of the secret.

    However many requests of a session arrive together, identity is asked once.
    """

    def __init__(
        self, client: Client, size: int = CACHE_SIZE, seconds_now: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._recent = Recent(size, seconds_now)

    def exchange(self, secret: str, not_after: int) -> SignedIn:
        """The person behind a session. Raises Refusal `not-signed-in` where the session is none."""

        def ask() -> SignedIn:
            answer = self._client.call(
                identity.SERVICE,
                "exchange",
                {"session": secret, "audiences": sorted(AUDIENCES.values())},
                not_after=not_after,
            )
            return SignedIn(secret, answer["person"], answer["tokens"])

        known: SignedIn = self._recent.get(_key(secret), REMEMBERED_SECONDS, ask)
        return known

    def forget(self, secret: str) -> None:
        """Drop what is remembered of a session."""
        self._recent.forget(_key(secret))


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
