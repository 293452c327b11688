"""The gateway as a WSGI application."""

from typing import cast

from flask import Flask
from jinja2 import StrictUndefined

from gateway import addresses, i18n, openapi, problems, protection, reader
from gateway.api.answers import json
from gateway.asking import COOKIE
from gateway.assets import Assets
from gateway.charts.renderer import ChartRenderer
from gateway.downloads import files
from gateway.edge import Edge
from gateway.health import health
from gateway.lean import LeanFlask
from gateway.pages import (
    api_page,
    charter,
    discussions,
    documents,
    frame,
    groups,
    home,
    impact,
    problem_pages,
    sign_in,
    wallet,
)
from gateway.recent import Recent
from gateway.sessions import SessionTokens
from gateway.wiring import NAME, Wiring, WriterSender
from shared.blobs.disk import DiskBlobs
from shared.config import Config
from shared.messaging.client import Client

HASHED_SECONDS = 365 * 24 * 3600
"""Built files carry their content's hash in their name, so they never change."""
OTHER_SECONDS = 3600


def create_app(config: Config, client: Client, writer: WriterSender) -> Flask:
    """The door to the platform: API, pages and problem+json, on services reached through `client` and
    `writer`.
    """
    i18n.load_all()
    app = _Application("gateway")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.undefined = StrictUndefined
    app.extensions[NAME] = Wiring(
        config=config,
        client=client,
        writer=writer,
        sessions=SessionTokens(client),
        assets=Assets(),
        charts=ChartRenderer(),
        recent=Recent(),
        blobs=DiskBlobs(config.blobs),
    )
    for part in (addresses, reader, protection, problems, frame):
        part.register(app)
    app.register_blueprint(health)
    app.register_blueprint(files)
    for page in (home, sign_in, wallet, impact, charter, groups, discussions, documents):
        app.register_blueprint(page.pages)
    for page in (problem_pages, api_page):
        app.register_blueprint(page.pages)
    described = openapi.complete(openapi.register(app))
    app.add_url_rule("/api/v1/openapi.json", "openapi", lambda: json(described))
    app.wsgi_app = Edge(  # type: ignore[method-assign]
        app.wsgi_app, cookie=COOKIE, https=config.public_url.startswith("https://")
    )
    return app


def close(app: Flask) -> None:
    """End what the application has started: the process that draws its charts."""
    cast(Wiring, app.extensions[NAME]).charts.close()


class _Application(LeanFlask):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        return HASHED_SECONDS if filename and filename.startswith("dist/assets/") else OTHER_SECONDS
