"""The impact page: figures that follow the payments, each with its numbers in other forms."""

import csv
import io
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from shared.contracts import clock
from tests.browser.conftest import OpenPage
from tests.browser.market import Market, ask_to_pay
from tests.support.deployment import Deployment

DEADLINE_MS = 15_000

NOTE_WHEN_SHOWN = """text => {
    const look = () => {
        if (!window.shownAt && document.getElementById("key-figures").textContent.includes(text))
            window.shownAt = Date.now();
    };
    new MutationObserver(look).observe(document.querySelector("main"), { childList: true, subtree: true });
}"""


def test_a_payment_made_on_the_wallet_page_moves_the_open_impact_page(
    deployment: Deployment,
    market: Market,
    open_page: OpenPage,
    record_property: Callable[[str, object], None],
) -> None:
    market.town.wait_for_indicator("supply", 10_000)
    impact = open_page(market, f"/impact/{market.currency}")
    expect(_stat(impact, "Volume, this month")).to_contain_text(f"0.00\u00a0{market.currency}")
    impact.evaluate(NOTE_WHEN_SHOWN, f"12.50\u00a0{market.currency}")
    wallet = open_page(market, "/wallet", signed_in=True)
    ask_to_pay(wallet, "12.50", shop=market.shop_name)
    wallet.locator("form[data-pay-form] button").click()
    expect(wallet.get_by_role("status")).to_contain_text("paid to")
    expect(_stat(impact, "Volume, this month")).to_contain_text(
        f"12.50\u00a0{market.currency}", timeout=DEADLINE_MS
    )
    (payment,) = market.paid()
    # Had the page been loaded again, its note would be gone.
    seconds = impact.evaluate("window.shownAt") / 1000 - clock.from_text(payment["occurred_at"]) / 1e6
    record_property("seconds_until_shown", f"{seconds:.2f}")
    print(f"{deployment.kind}: shown {seconds:.2f} s after the payment (2 s are promised of an idle system)")
    expect(_stat(impact, "Transfers, this month")).to_contain_text("1")
    expect(_stat(impact, "Active accounts, this month")).to_contain_text("2")
    expect(_stat(impact, "Supply")).to_contain_text(f"100.00\u00a0{market.currency}")


def test_each_figure_has_a_chart_a_table_and_a_file(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, f"/impact/{seen.currency}")
    figures = page.locator("figure.figure")
    expect(figures.locator("h3")).to_have_text(
        ["Volume", "Active accounts", "Supply", "Velocity", "Inequality (Gini coefficients)"]
    )
    for figure in figures.all():
        expect(figure.get_by_role("img")).to_be_visible()
        for link in figure.get_by_role("link", name="Download as CSV").all():
            answer = page.request.get(f"{seen.base_url}{link.get_attribute('href')}")
            assert answer.headers["content-type"].startswith("text/csv")
            assert "attachment" in answer.headers["content-disposition"]
            assert len(list(csv.DictReader(io.StringIO(answer.text())))) >= 1
    volume = page.locator("#volume")
    expect(volume.get_by_role("table")).to_be_hidden()
    volume.get_by_text("The numbers as a table").click()
    expect(volume.get_by_role("row").nth(1)).to_contain_text(f"16.25\u00a0{seen.currency}")
    volume.get_by_text("What it means").click()
    expect(volume).to_contain_text("Source:")
    expect(page.locator("figure table")).to_have_count(figures.count())


def test_a_period_is_chosen(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, f"/impact/{seen.currency}")
    page.get_by_role("navigation", name="Period").get_by_role("link", name="Days").click()
    expect(_stat(page, "Volume, today")).to_contain_text(f"16.25\u00a0{seen.currency}")
    expect(page.locator("#volume a[download]")).to_have_attribute(
        "href", f"/api/v1/indicators/volume.csv?currency={seen.currency}&period=day"
    )


def test_the_first_page_and_the_list_lead_to_the_figures(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/")
    page.get_by_role("link", name="See the impact").click()
    page.locator(f"a[href='/impact/{seen.currency}']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Test currency")
    expect(_stat(page, "Volume, this month")).to_contain_text(f"16.25\u00a0{seen.currency}")


def _stat(page: Page, label: str) -> Locator:
    return page.locator(".stats__item").filter(has_text=label)
