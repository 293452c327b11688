"""Groups on pages: found, joined, led, and talked in, with scripts and without."""

import secrets

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.market import Market
from tests.browser.test_every_page import BEYOND_THE_EDGE

WORDS = "Who has seeds?\n\n<b>Bring</b> them: https://example.org/seeds.\n\nأهلا وسهلا"


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize("scripts", [True, False])
def test_a_group_is_created_and_talked_in(open_page: OpenPage, market: Market, scripts: bool) -> None:
    name = f"Gardens {secrets.token_hex(4)}"
    page = open_page(market, "/groups/new", signed_in=True, scripts=scripts)
    page.locator("#name").fill("ab")
    page.get_by_role("button", name="Create the group").click()
    expect(page.locator("#name-error")).to_contain_text("3 to 100 characters")
    page.locator("#name").fill(name)
    page.locator("#description").fill("Neighbours who garden")
    page.get_by_role("button", name="Create the group").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    group = page.url
    page.get_by_role("link", name="Open a topic").first.click()
    page.locator("#title").fill("Seeds")
    page.locator("#body").fill(WORDS)
    page.get_by_role("button", name="Open the topic").click()
    post = page.locator("#topic")
    expect(post.locator(".prose p")).to_have_text(
        ["Who has seeds?", "<b>Bring</b> them: https://example.org/seeds.", "أهلا وسهلا"]
    )
    expect(post.get_by_role("link", name="https://example.org/seeds")).to_have_attribute(
        "href", "https://example.org/seeds"
    )
    page.locator("#body").fill("I have some")
    page.get_by_role("button", name="Send the reply").click()
    expect(page.locator("#reply-1 .prose")).to_have_text("I have some")
    page.locator("#reply-1").get_by_role("link", name="Change or delete").click()
    page.locator("#body").fill("I have many")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#reply-1")).to_contain_text("edited")
    page.locator("#reply-1").get_by_role("link", name="Change or delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#reply-1 .prose")).to_have_count(0)
    page.goto("/groups?text=" + name)
    expect(page.locator(".cards article")).to_have_count(1)
    expect(page.locator(".cards")).to_contain_text("You are a member")
    page.goto(group)
    expect(page.locator(".topics__title")).to_have_text(["Seeds"])


def test_a_stranger_asks_to_join_and_a_steward_lets_them_in(open_page: OpenPage, market: Market) -> None:
    body = {"kind": "open", "name": f"Seeds {secrets.token_hex(4)}", "join_policy": "approval"}
    steward, _ = market.town.person()
    group = steward.expect(201, "POST", "/groups", json=body)["id"]
    page = open_page(market, f"/groups/{group}", signed_in=True)
    page.get_by_role("button", name="Ask to join").click()
    expect(page.get_by_role("status")).to_contain_text("A steward will answer.")
    page.goto(f"/groups/{group}/lead")
    expect(page.get_by_role("heading", level=1)).to_have_text("For stewards only")
    secret = str(steward.http.headers["Authorization"]).removeprefix("Bearer ")
    page.context.add_cookies([{"name": "medtown_session", "value": secret, "url": market.base_url}])
    page.goto(f"/groups/{group}")
    page.get_by_role("link", name="Lead the group").click()
    page.get_by_role("button", name="Let in").click()
    expect(page.locator("section[aria-labelledby=members] li")).to_have_count(2)
    page.get_by_role("button", name="Make member", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("A group that is open needs a steward")
    page.get_by_role("button", name="Make steward").click()
    expect(page.get_by_role("button", name="Make member", exact=True)).to_have_count(2)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_the_pages_fit_a_phone(open_page: OpenPage, market: Market, lang: str) -> None:
    body = {"kind": "open", "name": "N" * 100, "description": "d" * 300}
    group = market.payer.expect(201, "POST", "/groups", json=body)["id"]
    words = {"title": "t" * 160, "body": "b" * 500, "language": "el", "category": "c" * 40}
    topic = market.payer.expect(201, "POST", f"/groups/{group}/topics", json=words)["id"]
    page = open_page(market, "/groups", signed_in=True, lang=lang, narrow=True)
    for path in (
        "/groups?text=nowhere",
        "/groups/new",
        f"/groups/{group}",
        f"/groups/{group}/lead",
        f"/groups/{group}/topics/new",
        f"/topics/{topic}",
        f"/topics/{topic}/edit",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok
        assert page.evaluate(BEYOND_THE_EDGE) == [], path
