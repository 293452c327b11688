"""What people write becomes paragraphs and links, never markup."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import prose


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("one\ntwo\n\nthree", '<p dir="auto">one<br>\ntwo</p>\n<p dir="auto">three</p>'),
        ("<b>&", '<p dir="auto">&lt;b&gt;&amp;</p>'),
    ],
)
def test_paragraphs_and_lines(text: str, shown: str) -> None:
    assert prose.html(text) == shown


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://example.org/a?b=1&c=2.", "https://example.org/a?b=1&c=2"),
        ("(http://example.org)", "http://example.org"),
        ("https://example.org/Puma_(currency)", "https://example.org/Puma_(currency)"),
        ("انظر https://example.org/ع، ثم", "https://example.org/ع"),
        ('https://example.org/"onmouseover="alert(1)', "https://example.org/"),
        ("javascript:alert(1) data:text/html,x", None),
    ],
)
def test_links(text: str, address: str | None) -> None:
    assert _Seen(prose.html(text)).links == ([address] if address else [])


@given(st.text(st.sampled_from("<>&\"'a/:.)( \nhttps://<script>")))
def test_nothing_that_is_written_becomes_markup(text: str) -> None:
    seen = _Seen(prose.html(text))
    assert seen.tags <= {"p", "br", "a"}
    assert seen.attributes <= {"dir", "href", "rel"}
    assert re.sub(r"\s", "", seen.text) == re.sub(r"\s", "", text)


class _Seen(HTMLParser):
    """What a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str | None] = []
        self.text = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data
