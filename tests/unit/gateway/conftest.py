"""The gateway alone, with services that give canned answers."""

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from shared.config import load
from tests.unit.gateway.canned import CannedClient, CannedWriter

SESSION = "a-session-secret"


@pytest.fixture
def services() -> CannedClient:
    return CannedClient()


@pytest.fixture
def writer() -> CannedWriter:
    return CannedWriter()


@pytest.fixture
def door(services: CannedClient, writer: CannedWriter) -> FlaskClient:
    """The application as somebody who is not signed in meets it."""
    return create_app(load({}), services, writer).test_client()


@pytest.fixture
def bearer() -> dict[str, str]:
    """The header of a program that is signed in."""
    return {"Authorization": f"Bearer {SESSION}"}


@pytest.fixture
def browser(door: FlaskClient) -> FlaskClient:
    """The application as the browser of somebody who is signed in meets it."""
    door.set_cookie("medtown_session", SESSION)
    return door
