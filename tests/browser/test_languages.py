"""Six languages, from both sides."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.market import Market, ask_to_pay

# The texts of the page's own voice: neither names, codes and amounts (in bdi, code, var, option) nor what
# people wrote (it finds its own direction) or what is marked as being of another language.
OWN_TEXTS = """async path => {
    const page = new DOMParser().parseFromString(await (await fetch(path)).text(), "text/html");
    const foreign = "bdi, code, var, option, svg, script, style, [translate=no], [dir=auto], body [lang]";
    const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
    const texts = [page.title.replace(" · MedTOWN", "")];
    while (walker.nextNode())
        if (!walker.currentNode.parentElement.closest(foreign)) texts.push(walker.currentNode.data);
    for (const one of page.querySelectorAll("[aria-label]")) texts.push(one.getAttribute("aria-label"));
    return [...new Set(texts.map(text => text.replace(/\\s+/g, " ").trim()))];
}"""
LETTERS_OF_A_WORD = 3

WORDS = {
    "fr": ("Accueil", "Se déconnecter"),
    "es": ("Inicio", "Cerrar sesión"),
    "pt": ("Início", "Terminar sessão"),
    "el": ("Αρχική", "Αποσύνδεση"),
    "ar": ("الرئيسية", "تسجيل الخروج"),
}


def _sentences(page: Page, path: str) -> set[str]:
    """The texts of two words and more of a page, as the reader of `page` gets it."""
    return {
        text
        for text in page.evaluate(OWN_TEXTS, path)
        if sum(len(word) >= LETTERS_OF_A_WORD and word.strip(".,:").isalpha() for word in text.split()) >= 2
    }


@pytest.fixture(scope="module")
def paths(seen: Market) -> tuple[str, ...]:
    """Pages of every kind, with somebody's words on those of a group."""
    body = {"kind": "open", "name": "Huertos", "description": "Agua", "language": "es"}
    group = seen.payer.expect(201, "POST", "/groups", json=body)["id"]
    words = {"title": "Agua", "body": "Riego", "language": "es"}
    topic = seen.payer.expect(201, "POST", f"/groups/{group}/topics", json=words)["id"]
    return (
        "/",
        "/wallet",
        "/impact",
        f"/impact/{seen.currency}",
        "/groups",
        "/groups/new",
        f"/groups/{group}",
        f"/groups/{group}/lead",
        f"/groups/{group}/topics/new",
        f"/topics/{topic}",
        f"/topics/{topic}/edit",
        "/nowhere",
        "/problems/insufficient-balance",
        "/api",
    )


@pytest.fixture(scope="module")
def english() -> dict[str, set[str]]:
    """The English sentences of each page, noted once."""
    return {}


@pytest.mark.parametrize("lang", list(WORDS))
def test_no_english_sentence_is_left_in_another_language(
    open_page: OpenPage, seen: Market, paths: tuple[str, ...], english: dict[str, set[str]], lang: str
) -> None:
    if not english:
        page = open_page(seen, "/", signed_in=True)
        for path in paths:
            english[path] = _sentences(page, path)
            assert english[path]
    page = open_page(seen, "/", signed_in=True, lang=lang)
    html = page.locator("html")
    expect(html).to_have_attribute("lang", lang)
    expect(html).to_have_attribute("dir", "rtl" if lang == "ar" else "ltr")
    home, sign_out = WORDS[lang]
    expect(page.locator(".site-nav a").first).to_have_text(home)
    expect(page.locator("form.account button")).to_have_text(sign_out)
    for path in paths:
        assert _sentences(page, path) & english[path] == set(), path


def test_the_language_is_switched_and_stays(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/sign-in")
    page.locator("details.languages summary").click()
    page.locator("details.languages a[lang=ar]").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.get_by_role("heading", level=1)).to_have_text("تسجيل الدخول")
    page.goto("/impact")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    name, menu = page.locator(".brand").bounding_box(), page.locator("details.languages").bounding_box()
    assert name is not None
    assert menu is not None
    assert name["x"] > menu["x"], "the page begins at the right"
    page.locator("footer a[lang=el]").click()
    expect(page.locator("html")).to_have_attribute("lang", "el")


def test_arabic_indic_digits_are_an_amount(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/wallet", signed_in=True, lang="ar")
    page.locator("#amount").press_sequentially("١٢٫٥٠")
    expect(page.locator("#amount-check")).to_have_text("")
    ask_to_pay(page, "١٢٫٥٠", account=seen.neighbour)
    expect(page.locator(".balance__amount")).to_contain_text(f"12.50\u00a0{seen.currency}")
    expect(page.locator("form[data-pay-form] button")).to_contain_text(
        f"دفع \u206612.50\u00a0{seen.currency}\u2069"
    )


def test_amounts_are_read_and_written_as_the_reader_does(open_page: OpenPage, seen: Market) -> None:
    page = open_page(seen, "/wallet", signed_in=True, lang="fr")
    ask_to_pay(page, "12,50", account=seen.neighbour)
    expect(page.locator(".balance__amount")).to_have_text(f"12,50\u00a0{seen.currency}")
