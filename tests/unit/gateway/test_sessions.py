"""Sessions exchanged for internal tokens, and how long these are remembered."""

import pytest

from gateway.sessions import REMEMBERED_SECONDS, SessionTokens
from shared.contracts import clock
from shared.contracts.errors import Refusal
from tests.unit.gateway.canned import CannedClient
from tests.unit.gateway.conftest import SESSION

LATER = clock.deadline(3600)


def test_a_session_is_exchanged_once_in_ten_seconds(services: CannedClient) -> None:
    now = 1000.0
    tokens = SessionTokens(services, seconds_now=lambda: now)
    assert tokens.exchange(SESSION, LATER).tokens["ledger"] == "token for ledger"
    now += REMEMBERED_SECONDS - 1
    tokens.exchange(SESSION, LATER)
    assert services.count("identity.exchange") == 1
    now += 2
    tokens.exchange(SESSION, LATER)
    assert services.count("identity.exchange") == 2


def test_a_session_that_is_ended_here_is_forgotten_at_once(services: CannedClient) -> None:
    tokens = SessionTokens(services)
    tokens.exchange(SESSION, LATER)
    tokens.forget(SESSION)
    services.answers["identity.exchange"] = Refusal("not-signed-in")
    with pytest.raises(Refusal):
        tokens.exchange(SESSION, LATER)


def test_no_more_sessions_are_remembered_than_the_limit(services: CannedClient) -> None:
    def exchange(arguments: object) -> object:
        return {"person": {}, "tokens": {}, "expires_at": clock.to_text(LATER)}

    services.answers["identity.exchange"] = exchange
    tokens = SessionTokens(services, size=2)
    for secret in ("one", "two", "three", "three", "two"):
        tokens.exchange(secret, LATER)
    assert services.count("identity.exchange") == 3
    tokens.exchange("one", LATER)
    assert services.count("identity.exchange") == 4
