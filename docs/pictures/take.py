"""Takes pictures of a running demo: the README's, or every page narrow and wide in two languages.

With the demo running (`MEDTOWN_DATA=/tmp/demo MEDTOWN_PORT=8001 make run`), from the project's root:
`.venv/bin/python -m docs.pictures.take /tmp/demo http://localhost:8001 [--all FOLDER]`
"""

import argparse
import json
from pathlib import Path

from playwright.sync_api import Page

from tests.support.browser import NARROW, WIDE, Chromium

HERE = Path(__file__).parent
CURRENCY = "AMATE"
README_SIZE = (1280, 1268)
FULL_PAGES = {
    "home": "/",
    "sign-in": "/sign-in",
    "impact-index": "/impact",
    "api": "/api",
    "not-found": "/nowhere",
    "impact": f"/impact/{CURRENCY}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Take pictures of a running demo.")
    parser.add_argument("data", type=Path, help="the demo's data folder")
    parser.add_argument("url", help="the demo's address")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page, into this folder instead")
    arguments = parser.parse_args()
    with Chromium() as chromium:
        if arguments.all is None:
            with chromium.page(README_SIZE, base_url=arguments.url) as page:
                page.goto(f"/impact/{CURRENCY}")
                _take(page, HERE / "impact.png", full_page=False)
            return
        arguments.all.mkdir(parents=True, exist_ok=True)
        for language in ("en", "ar"):
            for size in (NARROW, WIDE):
                with chromium.page(size, base_url=arguments.url) as page:
                    name = f"{arguments.all}/{{}}-{language}-{size[0]}.png"
                    _take_all(page, language, arguments.data, name)


def _take_all(page: Page, language: str, data: Path, name: str) -> None:
    """Every page once, up to the last step before a payment, which is not made."""
    page.goto(f"/?lang={language}")
    for title, address in FULL_PAGES.items():
        page.goto(address)
        if title == "api":
            page.locator(".opblock").first.wait_for()
        _take(page, Path(name.format(title)))
    household = json.loads((data / "demo.json").read_text())[0]
    page.goto("/sign-in")
    page.locator("#email").fill(household["email"])
    page.locator("#password").fill(household["password"])
    page.locator("main button").click()
    _take(page, Path(name.format("wallet")))
    page.locator("#payee").select_option(index=1)
    page.locator("#amount").fill("x")
    page.locator("main .columns button").click()
    _take(page, Path(name.format("wallet-faults")))
    page.locator("#amount").fill("4")
    page.locator("main .columns button").click()
    page.locator("form[data-pay-form]").wait_for()
    _take(page, Path(name.format("confirm")))


def _take(page: Page, path: Path, *, full_page: bool = True) -> None:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path, full_page=full_page)
    print(f"{path}  {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
