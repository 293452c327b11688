"""Pages to look at: opened in the browser, watched, with something to see on them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from tests.browser.market import Market
from tests.support.api import Town, administrator
from tests.support.browser import NARROW, WIDE, Chromium
from tests.support.deployment import Deployment


class OpenPage(Protocol):
    """Opens an address of a market's installation in a browser of its own."""

    def __call__(
        self,
        market: Market,
        path: str,
        *,
        signed_in: bool = False,
        lang: str = "en",
        narrow: bool = False,
        scripts: bool = True,
    ) -> Page: ...


@pytest.fixture
def market(request: pytest.FixtureRequest) -> Market:
    """A market of the test's own: in each way of running where the test asks for `deployment`, else
    embedded.
    """
    asked = "deployment" if "deployment" in request.fixturenames else "embedded"
    running: Deployment = request.getfixturevalue(asked)
    return Market(Town(administrator(running.base_url), simulated=True))


@pytest.fixture(scope="session")
def seen(embedded: Deployment) -> Market:
    """A market with some payments, for tests that look and change nothing."""
    market = Market(Town(administrator(embedded.base_url), simulated=True))
    market.pay(market.shop, 1_250, memo="bread")
    market.pay(market.neighbour, 300)
    market.shopkeeper.pay(market.shop, market.purse, 75, market.currency)
    market.town.wait_for_indicator("transfer_count", 3)
    return market


@pytest.fixture
def open_page(chromium: Chromium) -> Iterator[OpenPage]:
    """Opens pages and watches them: a script error, a breach of the security policy, any other error on the
    console, or a request to another server than ours fails the test.
    """
    complaints: list[str] = []
    with ExitStack() as pages:

        def open_one(
            market: Market,
            path: str,
            *,
            signed_in: bool = False,
            lang: str = "en",
            narrow: bool = False,
            scripts: bool = True,
        ) -> Page:
            viewport = NARROW if narrow else WIDE
            page = pages.enter_context(chromium.page(viewport, base_url=market.base_url, scripts=scripts))
            _watch(page.context, market.base_url, complaints)
            cookies = {"medtown_lang": lang} | ({"medtown_session": market.session} if signed_in else {})
            page.context.add_cookies(
                [{"name": name, "value": value, "url": market.base_url} for name, value in cookies.items()]
            )
            page.goto(path)
            return page

        yield open_one
    assert not complaints, complaints


def _watch(context: BrowserContext, base_url: str, complaints: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        # Chromium reports every 404 and 422 here, also those that a test causes on purpose.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(f"on the console of {message.location['url']}: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith((f"{base_url}/", "data:")):
            complaints.append(f"request to another server: {request.url}")

    context.on("console", on_console)
    context.on("request", on_request)
