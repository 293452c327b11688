"""The wallet: what one has, paying once and surely, and what was paid."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.market import Market, ask_to_pay
from tests.support.api import Town, administrator, transfer
from tests.support.deployment import Deployment


def in_days(days: int) -> str:
    """A day to come, in UTC as the ledger counts days."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def test_the_wallet_shows_balance_and_payments_with_signs_and_names(
    open_page: OpenPage, seen: Market
) -> None:
    page = open_page(seen, "/wallet", signed_in=True)
    expect(page.locator(".balance__amount")).to_have_text(f"85.25\u00a0{seen.currency}")
    expect(page.locator(".balance")).to_contain_text(seen.purse)
    lines = page.locator(".transactions__item")
    expect(lines.locator(".transactions__name")).to_have_text(
        [seen.shop_name, seen.neighbour_name, seen.shop_name, "Test currency, issued"]
    )
    expect(lines.locator(".transactions__amount")).to_have_text(
        [f"{amount}\u00a0{seen.currency}" for amount in ("+0.75", "−3.00", "−12.50", "+100.00")]
    )
    expect(lines.nth(2)).to_contain_text("bread")
    link = page.get_by_role("link", name="Download as CSV").get_attribute("href")
    csv = page.request.get(f"{seen.base_url}{link}")
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text().splitlines()) == 5
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('main *')]
            .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .map(one => [parseFloat(getComputedStyle(one).fontSize), one.textContent])"""
    )
    assert "85.25" in max(sizes)[1], "the balance is the largest thing on its page"


def test_units_for_a_purpose_and_units_that_lapse_soon_are_told_of(
    open_page: OpenPage, embedded: Deployment
) -> None:
    meals = {"code": "meals", "names": {"en": "Meals", "ar": "وجبات"}, "categories": ["food"]}
    document = {
        "names": {"en": "Test currency"},
        "kind": "backed",
        "minor_units": 100,
        "limits": [{"kind": "member"}, {"kind": "organisation"}],
        "expiry": {"after_days": 20, "notice_days": 10},
        "purposes": [meals, {**meals, "code": "soon", "until": in_days(5)}],
    }
    market = Market(Town(administrator(embedded.base_url), simulated=True, charter=document))
    for purpose, amount in (("meals", 2_000), ("soon", 450)):
        body = transfer("", market.purse, amount, market.currency, kind="issuance", purpose=purpose)
        del body["payer"]
        market.town.operator.expect(201, "POST", "/transfers", json=body)
    page = open_page(market, "/wallet", signed_in=True)
    expect(page.locator(".balance")).to_contain_text(
        f"20.00\u00a0{market.currency} for “Meals” can be spent until"
    )
    expect(page.locator(".notice--warning")).to_contain_text(f"4.50\u00a0{market.currency} for “Meals”")
    expect(page.locator(".notice--warning")).not_to_contain_text("20.00")
    arabic = open_page(market, "/wallet", signed_in=True, lang="ar", narrow=True)
    expect(arabic.locator(".notice--warning")).to_contain_text("وجبات")


def test_a_listed_shop_is_chosen_by_name_and_the_payment_checked_first(
    open_page: OpenPage, market: Market
) -> None:
    page = open_page(market, "/wallet", signed_in=True)
    expect(page.locator("#payee")).not_to_contain_text(market.neighbour_name)
    ask_to_pay(page, "12.50", shop=market.shop_name, memo="bread")
    expect(page).to_have_title(re.compile("^Check the payment"))
    expect(page.locator(".facts")).to_contain_text(market.shop_name)
    expect(page.locator(".facts")).to_contain_text(f"100.00\u00a0{market.currency}")
    assert market.paid() == []
    page.get_by_role("button", name=f"Pay 12.50\u00a0{market.currency}").click()
    expect(page.get_by_role("status")).to_contain_text(
        f"12.50\u00a0{market.currency} paid to {market.shop_name}."
    )
    (payment,) = market.paid()
    assert (payment["counterparty"], payment["memo"]) == (market.shop, "bread")
    assert payment["id"] in page.url
    page.get_by_role("link", name="Back to the wallet").click()
    expect(page.locator(".balance__amount")).to_have_text(f"87.50\u00a0{market.currency}")


def test_anyone_is_paid_by_the_id_of_the_account(open_page: OpenPage, market: Market) -> None:
    page = open_page(market, "/wallet", signed_in=True)
    ask_to_pay(page, "3", account=f" {market.neighbour.upper()} ")
    expect(page.locator(".facts")).to_contain_text(market.neighbour_name)
    page.get_by_role("link", name="Back without paying").click()
    expect(page.locator(".balance__amount")).to_have_text(f"100.00\u00a0{market.currency}")
    ask_to_pay(page, "3", account=market.neighbour)
    page.locator("form[data-pay-form] button").click()
    expect(page.get_by_role("status")).to_contain_text("paid to")
    assert market.balance() == 9_700


def test_a_refusal_says_what_is_available_and_leaves_the_form(open_page: OpenPage, market: Market) -> None:
    page = open_page(market, "/wallet", signed_in=True)
    ask_to_pay(page, "250", shop=market.shop_name, memo="too much")
    page.locator("form[data-pay-form] button").click()
    expect(page.get_by_role("alert")).to_contain_text(
        f"100.00\u00a0{market.currency} are available, 250.00\u00a0{market.currency} are asked for"
    )
    expect(page.locator("#amount")).to_have_value("250")
    expect(page.locator("#memo")).to_have_value("too much")
    assert market.balance() == 10_000
    # The next payment is another one, although the form and the browser are the same.
    ask_to_pay(page, "2.50", shop=market.shop_name)
    page.locator("form[data-pay-form] button").click()
    expect(page.get_by_role("status")).to_contain_text("paid to")
    assert market.balance() == 9_750


def test_faults_in_the_form_are_told_beside_their_fields(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/wallet", signed_in=True)
    page.locator("#amount").press_sequentially("1,5")
    expect(page.locator("#amount-check")).to_have_text("Write the amount like this: 12.50")
    ask_to_pay(page, "1,5", account="1234")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("#amount-error")).to_contain_text("Write the amount like this: 12.50")
    expect(page.locator("#payee_account-error")).to_contain_text("not the id of an account")
    expect(page.locator("#amount")).to_have_value("1,5")


def test_a_double_click_pays_once(open_page: OpenPage, market: Market) -> None:
    page = open_page(market, "/wallet", signed_in=True)
    ask_to_pay(page, "5", shop=market.shop_name)
    page.locator("form[data-pay-form] button").dblclick()
    expect(page.get_by_role("status")).to_contain_text("paid to")
    assert len(market.paid()) == 1
    assert market.balance() == 9_500
    # The same payment may be wanted once more, and is then another one.
    page.goto("/wallet")
    ask_to_pay(page, "5", shop=market.shop_name)
    page.locator("form[data-pay-form] button").click()
    expect(page.get_by_role("status")).to_contain_text("paid to")
    assert market.balance() == 9_000


def test_paying_works_without_scripts_and_the_same_form_twice_pays_once(
    open_page: OpenPage, market: Market
) -> None:
    page = open_page(market, "/wallet", signed_in=True, scripts=False)
    ask_to_pay(page, "7.20", shop=market.shop_name)
    form: dict[str, str | float | bool] = {
        field.get_attribute("name") or "": field.input_value()
        for field in page.locator("form[data-pay-form] input").all()
    }
    page.locator("form[data-pay-form] button").click()
    expect(page.get_by_role("status")).to_contain_text(f"7.20\u00a0{market.currency} paid to")
    again = page.request.post(
        f"{market.base_url}/wallet/pay/confirm", form=form, headers={"Origin": market.base_url}
    )
    assert again.ok
    assert f"/wallet/payments/{form['transfer_id']}" in again.url
    assert market.balance() == 9_280
