"""What holds of every page: it fits a phone, is worked by keyboard, and answers errors in words."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.market import Market, ask_to_pay
from tests.support.browser import Chromium

BEYOND_THE_EDGE = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = one => one && (/auto|scroll|hidden/.test(getComputedStyle(one).overflowX) ||
                                   scrolls(one.parentElement));
    const wide = [...document.querySelectorAll("body *")].filter(one => {
        const box = one.getBoundingClientRect();
        const out = box.right > width + 1 || box.left < -1;
        return box.width && out && !scrolls(one.parentElement) && !one.closest("svg, .visually-hidden");
    });
    if (document.documentElement.scrollWidth > width) wide.push(document.documentElement);
    return wide.map(one => one.outerHTML.slice(0, 120));
}"""
FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    return {
        what: one.outerHTML.slice(0, 120),
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        seen: box.width > 0 && box.height > 0 && style.visibility === "visible" && style.clipPath === "none",
    };
}"""


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_no_page_is_wider_than_a_phone(open_page: OpenPage, seen: Market, lang: str) -> None:
    page = open_page(seen, "/sign-in", lang=lang, narrow=True)
    _fits(page)
    page = open_page(seen, "/wallet", lang=lang, narrow=True, signed_in=True)
    _fits(page)
    ask_to_pay(page, "x", account="1234")
    expect(page.get_by_role("alert")).to_be_visible()
    _fits(page)
    ask_to_pay(page, "1", account=seen.neighbour, memo="m" * 140)
    expect(page.locator("form[data-pay-form]")).to_be_visible()
    _fits(page)
    page.goto(f"/wallet/payments/{seen.paid()[0]['id']}")
    _fits(page)
    for path in ("/", "/impact", "/problems/", "/problems/late", "/nowhere"):
        page.goto(path)
        _fits(page)
    page.goto(f"/currencies/{seen.currency}/charter")
    _fits(page)
    page.goto(f"/impact/{seen.currency}")
    page.evaluate("document.querySelectorAll('figure details').forEach(each => { each.open = true; })")
    _fits(page)


def test_the_keyboard_finds_its_way_and_shows_where_it_is(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/wallet", signed_in=True)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert page.evaluate(FOCUS)["seen"]
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#payee")).to_be_focused()
    page.goto("/wallet")
    reached: list[str] = []
    while not reached or "Continue" not in reached[-1]:
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["outline"] >= 2, focus
        assert focus["seen"], focus
        reached.append(focus["what"])
        assert len(reached) < 30, reached
    assert any('id="amount"' in what for what in reached)


def test_the_language_menu_opens_and_closes_by_keyboard(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/")
    summary = page.locator("details.languages summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.languages a[lang=fr]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("details.languages a[lang=fr]")).to_be_hidden()
    expect(summary).to_be_focused()


def test_errors_are_pages_for_people(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/", signed_in=True)
    missing = page.goto("/nowhere")
    assert missing is not None
    assert (missing.status, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    page.get_by_role("link", name="About this error").click()
    expect(page.locator("code")).to_have_text("not-found")
    program = page.request.get(f"{seen.base_url}/nowhere", headers={"Accept": "application/json"})
    assert program.headers["content-type"] == "application/problem+json"


def test_a_form_of_another_site_is_not_carried_out(chromium: Chromium, seen: Market) -> None:
    with chromium.page(base_url=seen.base_url) as page:
        forged = f"<form method=post action='{seen.base_url}/sign-out'><button>Win a prize</button></form>"
        page.route(
            "http://elsewhere.test/", lambda route: route.fulfill(content_type="text/html", body=forged)
        )
        page.goto("http://elsewhere.test/")
        with page.expect_response("**/sign-out") as answer:
            page.get_by_role("button").click()
        assert answer.value.status == 403
        assert answer.value.headers["content-type"] == "text/html; charset=utf-8"
        expect(page.get_by_role("heading", level=1)).to_have_text("Wrong origin")


def test_the_page_of_the_api_shows_every_operation(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/api", narrow=True)
    described = page.request.get(f"{seen.base_url}/api/v1/openapi.json").json()
    operations = sum(
        len(set(path) & {"get", "post", "put", "patch", "delete"}) for path in described["paths"].values()
    )
    expect(page.locator(".opblock")).to_have_count(operations)
    _fits(page)
    page.locator(".opblock", has_text="/api/v1/transfers/bulk").locator("button").first.click()
    expect(page.locator(".opblock.is-open")).to_contain_text("ndjson")


def test_colours_follow_the_readers_dark_mode(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, f"/impact/{seen.currency}")
    page.emulate_media(color_scheme="dark")
    ground, ink = page.evaluate(
        """() => {
            const style = getComputedStyle(document.body);
            return [style.backgroundColor, style.color].map(
                colour => colour.match(/\\d+/g).slice(0, 3).map(Number).reduce((sum, part) => sum + part));
        }"""
    )
    assert ground < 200 < ink


def _fits(page: Page) -> None:
    assert page.evaluate(BEYOND_THE_EDGE) == [], page.url
