"""What people write, made fit to be kept."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cop import cursors, words
from shared.contracts.errors import Refusal


def test_a_line_has_no_line_ends_controls_or_overrides() -> None:
    assert words.line("  Huertos\n\tde \x00Amate\u202e gpj.exe\u2066 ") == "Huertos de Amate gpj.exe"
    assert words.line("\ud800") == ""


def test_prose_keeps_lines_and_parts_paragraphs_by_one_empty_line() -> None:
    assert words.prose("\r\n one\r\ntwo \n \n\n\nthree\x07\n") == "one\ntwo \n\nthree"


@given(st.text())
def test_cleaning_twice_changes_nothing_and_what_is_kept_can_be_stored(text: str) -> None:
    for clean in (words.line, words.prose):
        once = clean(text)
        assert clean(once) == once
        assert "\x00" not in once
        once.encode()


@pytest.mark.parametrize("text", ["", "\u200b\u200b\u200b", "ab"])
def test_too_little_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        words.required("name", text, 3)
    assert refused.value.faults[0].pointer == "/name"


@given(st.integers(0, 2**63 - 1), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_cursor_says_the_place_again(number: int, text: str) -> None:
    assert cursors.decode(cursors.encode(number, text), int, str) == (number, text)


@pytest.mark.parametrize("cursor", ["!", "bm9uZQ", "WzFd", "é", "W10", "WyIxIiwyXQ", "gICA"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Refusal, match="invalid-request"):
        cursors.decode(cursor, int, str)


@pytest.mark.parametrize(("number", "text"), [(-1, ""), (2**63, ""), (1, "\0"), (1, "\ud800")])
def test_a_place_that_no_database_knows_is_refused(number: int, text: str) -> None:
    raw = base64.urlsafe_b64encode(json.dumps([number, text]).encode()).decode()
    with pytest.raises(Refusal, match="invalid-request"):
        cursors.decode(raw, int, str)
