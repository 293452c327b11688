"""Signing in and out."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.market import Market


def _sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_a_wrong_password_is_told_and_the_right_one_leads_on(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, f"/wallet?account={seen.purse}")
    expect(page).to_have_title(re.compile("^Sign in"))
    _sign_in(page, seen.sign_in["email"], "not the password")
    expect(page.get_by_role("alert")).to_contain_text("Wrong e-mail address or password")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_label("E-mail address")).to_have_value(seen.sign_in["email"])
    expect(page.get_by_label("Password")).to_have_value("")
    _sign_in(page, **seen.sign_in)
    expect(page).to_have_url(f"{seen.base_url}/wallet?account={seen.purse}")
    expect(page.get_by_role("banner")).to_contain_text(seen.payer.person["name"])
    cookie = next(each for each in page.context.cookies() if each["name"] == "medtown_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


def test_signing_out_closes_the_wallet(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/sign-in")
    _sign_in(page, **seen.sign_in)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{seen.base_url}/")
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/wallet")
    expect(page).to_have_url(f"{seen.base_url}/sign-in?next=%2Fwallet")


def test_an_empty_form_says_what_is_missing(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/sign-in")
    _sign_in(page, "", "")
    page.get_by_role("alert").get_by_role("link", name="Enter your e-mail address").click()
    expect(page.get_by_label("E-mail address")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
