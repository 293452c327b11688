"""Internal tokens where clocks differ: a little ahead is believed, further ahead and over is not."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import REGISTRY

from shared.auth import tokens
from shared.auth.principal import MEMBER
from shared.auth.tokens import (
    CLOCK_SKEW_SECONDS,
    LIFETIME_SECONDS,
    RENEWED_AFTER_SECONDS,
    ServiceTokens,
    Signer,
    TrustedIssuer,
    Verifier,
)
from shared.contracts.errors import Refusal

NOW = 1_800_000_000.0
HOUR = 3600
ROLES = frozenset({MEMBER})


class Clock:
    """In the place of the module `time`."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tokens, "time", clock)
    return clock


@pytest.fixture
def signer() -> Signer:
    return Signer("identity", Ed25519PrivateKey.generate())


@pytest.fixture
def verifier(signer: Signer) -> Verifier:
    return Verifier("ledger", {"identity": TrustedIssuer(signer._key.public_key(), ROLES)})


def refusals(reason: str) -> float:
    labels = {"audience": "ledger", "reason": reason}
    return REGISTRY.get_sample_value("auth_refusals_total", labels) or 0


@pytest.mark.parametrize("ahead", [0, 1, 2, CLOCK_SKEW_SECONDS])
def test_a_token_of_a_clock_that_is_a_little_ahead_is_believed(
    clock: Clock, signer: Signer, verifier: Verifier, ahead: int
) -> None:
    token = signer.sign("somebody", "ledger", ROLES)
    clock.now = NOW - ahead
    assert verifier.verify(token).subject == "somebody"


@pytest.mark.parametrize("ahead", [CLOCK_SKEW_SECONDS + 1, HOUR])
def test_a_token_from_further_in_the_future_is_not_yet_good(
    clock: Clock, signer: Signer, verifier: Verifier, ahead: int
) -> None:
    token, before = signer.sign("somebody", "ledger", ROLES), refusals("not-yet-good")
    clock.now = NOW - ahead
    with pytest.raises(Refusal, match="not-signed-in"):
        verifier.verify(token)
    assert refusals("not-yet-good") == before + 1
    clock.now = NOW
    assert verifier.verify(token).subject == "somebody", "it is good once its time has come"


def test_a_tokens_end_is_kept_to_the_second(clock: Clock, signer: Signer, verifier: Verifier) -> None:
    kept, other = (signer.sign(name, "ledger", ROLES) for name in ("somebody", "somebody else"))
    clock.now += LIFETIME_SECONDS - 1
    assert verifier.verify(kept).subject == "somebody"
    clock.now += 1
    before = refusals("expired")
    for token in (kept, other):
        with pytest.raises(Refusal, match="not-signed-in"):
            verifier.verify(token)
    assert refusals("expired") == before + 2


def test_a_service_keeps_its_token_until_a_minute_before_its_end(clock: Clock, signer: Signer) -> None:
    own = ServiceTokens(signer, ROLES)
    first = own.token("ledger")
    clock.now += RENEWED_AFTER_SECONDS - 1
    assert own.token("ledger") == first
    clock.now += 1
    assert own.token("ledger") != first


@pytest.mark.parametrize("age", [0, 100, RENEWED_AFTER_SECONDS - 1])
def test_a_service_whose_clock_is_set_back_signs_anew(
    clock: Clock, signer: Signer, verifier: Verifier, age: int
) -> None:
    own = ServiceTokens(signer, ROLES)
    first = own.token("ledger")
    clock.now += age - HOUR
    second = own.token("ledger")
    assert second != first
    assert verifier.verify(second).subject == "identity"


def test_a_service_that_slept_signs_anew(clock: Clock, signer: Signer) -> None:
    own = ServiceTokens(signer, ROLES)
    first = own.token("ledger")
    clock.now += LIFETIME_SECONDS + HOUR
    assert own.token("ledger") != first
