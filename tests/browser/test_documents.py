"""Documents on the pages: added, found, read, given a version, downloaded, deleted."""

import secrets
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.market import Market
from tests.browser.test_every_page import BEYOND_THE_EDGE
from tests.support import samples

PDF = FilePayload(name="guide.pdf", mimeType="application/pdf", buffer=samples.pdf())
NOTES = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"second")


def _add(page: Page, file: FilePayload, title: str) -> None:
    page.locator("#file").set_input_files(file)
    page.locator("#title").fill(title)
    page.locator("form[action='/documents/new'] button").click()


@pytest.mark.usefixtures("deployment")
def test_a_document_is_added_found_versioned_downloaded_and_deleted(
    open_page: OpenPage, market: Market, tmp_path: Path
) -> None:
    title = f"Guía {secrets.token_hex(4)}"
    page = open_page(market, "/documents", signed_in=True)
    page.get_by_role("link", name="Add a document").click()
    _add(page, FilePayload(name="x.pdf", mimeType="application/pdf", buffer=b"no pdf"), title)
    expect(page.get_by_role("alert")).to_contain_text("Not what its name says")
    expect(page.locator("#title")).to_have_value(title)
    _add(page, PDF, title)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("status")).to_contain_text("The file is stored.")
    page.locator("#file").set_input_files(NOTES)
    page.locator("#note").fill("as a text")
    page.get_by_role("button", name="Add the version").click()
    expect(page.get_by_role("link", name="Version 2")).to_be_visible()
    for link, content in (("Version 1", samples.pdf()), ("Version 2", b"second")):
        with page.expect_download() as download:
            page.get_by_role("link", name=link).click()
        download.value.save_as(tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == content
        assert download.value.suggested_filename in ("guide.pdf", "notes.txt")
    page.get_by_role("link", name="All documents").click()
    page.get_by_role("searchbox").fill(title.upper().replace("Í", "i"))
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=title).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents")
    expect(page.get_by_role("link", name=title)).to_have_count(0)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_the_pages_of_documents_fit_a_phone(open_page: OpenPage, market: Market, lang: str) -> None:
    page = open_page(market, "/documents/new", signed_in=True, lang=lang, narrow=True)
    assert page.evaluate(BEYOND_THE_EDGE) == []
    _add(page, PDF, "دليل " + "long" * 40)
    expect(page.get_by_role("status")).to_be_visible()
    assert page.evaluate(BEYOND_THE_EDGE) == []
    page.goto("/documents")
    assert page.evaluate(BEYOND_THE_EDGE) == []
