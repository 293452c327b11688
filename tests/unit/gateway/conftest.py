"""The gateway alone, with services that give canned answers."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import close, create_app
from gateway.recent import Recent
from gateway.sessions import SessionTokens
from gateway.wiring import NAME
from shared.config import load
from tests.unit.gateway.canned import CannedClient, CannedWriter

SESSION = "a-session-secret"


@pytest.fixture
def services() -> CannedClient:
    return CannedClient()


@pytest.fixture
def writer() -> CannedWriter:
    return CannedWriter()


@pytest.fixture(scope="session")
def app() -> Iterator[Flask]:
    """One application for all: making it and compiling its pages takes longer than most tests."""
    made = create_app(load({}), CannedClient(), CannedWriter())
    yield made
    close(made)


@pytest.fixture
def door(app: Flask, services: CannedClient, writer: CannedWriter) -> FlaskClient:
    """The application on this test's services, as somebody who is not signed in meets it."""
    app.extensions[NAME] = replace(
        app.extensions[NAME],
        client=services,
        writer=writer,
        sessions=SessionTokens(services),
        recent=Recent(),
    )
    return app.test_client()


@pytest.fixture
def bearer() -> dict[str, str]:
    """The header of a program that is signed in."""
    return {"Authorization": f"Bearer {SESSION}"}


@pytest.fixture
def browser(door: FlaskClient) -> FlaskClient:
    """The application as the browser of somebody who is signed in meets it."""
    door.set_cookie("medtown_session", SESSION)
    return door
