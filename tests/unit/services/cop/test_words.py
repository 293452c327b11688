"""What people write, made fit to be kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cop import words
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
