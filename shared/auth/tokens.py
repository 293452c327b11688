"""Internal tokens: JSON Web Tokens signed with Ed25519, good for five minutes and one audience.

Identity signs for people; jobs, handlers and the operator's tools sign for themselves with keys of their
own. What an issuer may claim is configuration: a token's roles count only as far as its issuer may give them.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.auth.principal import Principal
from shared.contracts.clock import MICROSECONDS
from shared.contracts.errors import Refusal
from shared.observability.metrics import AUTH_REFUSALS, AUTH_ROLES_WITHHELD

LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 60
"""By how much the clock of who signs may be ahead of the clock of who verifies. A token's end is kept to the
second.
"""
RENEWED_AFTER_SECONDS = LIFETIME_SECONDS - 60
CACHE_SIZE = 10_000
ALGORITHM = "EdDSA"

MISSING = "missing"
MALFORMED = "malformed"
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not-yet-good"),
    (jwt.InvalidAudienceError, "wrong-audience"),
    (jwt.InvalidSignatureError, "wrong-signature"),
    (jwt.InvalidAlgorithmError, "wrong-algorithm"),
    (KeyError, "unknown-issuer"),
)
"""What each fault of a token is counted as."""


class Signer:
    """Signs internal tokens for one issuer."""

    def __init__(self, issuer: str, key: Ed25519PrivateKey) -> None:
        self.issuer = issuer
        self._key = key

    def sign(
        self, subject: str, audience: str, roles: frozenset[str], *, lifetime_seconds: int = LIFETIME_SECONDS
    ) -> str:
        """A token that says: `subject`, with `roles`, speaks to `audience`."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": subject,
            "aud": audience,
            "roles": sorted(roles),
            "iat": now,
            "exp": now + lifetime_seconds,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)


class ServiceTokens:
    """A service's own tokens, one per audience, made anew when a minute of their life is left, and when the
    clock has been set back behind their beginning: others would believe them no more.
    """

    def __init__(self, signer: Signer, roles: frozenset[str]) -> None:
        self._signer = signer
        self._roles = roles
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[float, str]] = {}

    def token(self, audience: str) -> str:
        with self._lock:
            now = time.time()
            signed, token = self._tokens.get(audience, (0.0, ""))
            if not signed <= now < signed + RENEWED_AFTER_SECONDS:
                token = self._signer.sign(self._signer.issuer, audience, self._roles)
                self._tokens[audience] = (now, token)
            return token


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer's public key and the roles that it may give."""

    key: Ed25519PublicKey
    roles: frozenset[str]


class Verifier:
    """Verifies tokens for one audience; a verified one is remembered until it expires."""

    def __init__(self, audience: str, issuers: Mapping[str, TrustedIssuer]) -> None:
        self._audience = audience
        self._issuers = dict(issuers)
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, Principal] = OrderedDict()

    def verify(self, token: str | None) -> Principal:
        """The principal that the token speaks for. Raises Refusal `not-signed-in` for a missing or bad
        one.
        """
        if not token:
            AUTH_REFUSALS.labels(audience=self._audience, reason=MISSING).inc()
            raise Refusal("not-signed-in")
        with self._lock:
            known = self._verified.get(token)
        if known is not None and known.expires_at > time.time() * MICROSECONDS:
            return known
        principal = self._decode(token)
        with self._lock:
            self._verified[token] = principal
            if len(self._verified) > CACHE_SIZE:
                self._verified.popitem(last=False)
        return principal

    def _decode(self, token: str) -> Principal:
        try:
            unverified = jwt.decode(token, options={"verify_signature": False})
            issuer = self._issuers[unverified["iss"]]
            claims = jwt.decode(
                token,
                issuer.key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                options={
                    "require": ["iss", "sub", "aud", "exp", "iat"],
                    # Both are looked at below: pyjwt knows one tolerance for them all.
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            _check_times(int(claims["iat"]), int(claims["exp"]), time.time())
            claimed = frozenset(claims.get("roles", ()))
            principal = Principal(claims["sub"], claimed & issuer.roles, int(claims["exp"]) * MICROSECONDS)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, AttributeError) as error:
            AUTH_REFUSALS.labels(audience=self._audience, reason=_reason(error)).inc()
            raise Refusal("not-signed-in") from error
        if not claimed <= issuer.roles:
            AUTH_ROLES_WITHHELD.labels(audience=self._audience).inc()
        return principal


def _check_times(signed: int, ends: int, now: float) -> None:
    if ends <= now:
        raise jwt.ExpiredSignatureError("it has ended")
    if signed > now + CLOCK_SKEW_SECONDS:
        raise jwt.ImmatureSignatureError("it was signed in the future")


def _reason(error: Exception) -> str:
    """Why a token was refused, in one of few words."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return MALFORMED
