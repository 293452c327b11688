"""Cursors of lists: a place said again, and whatever is none of ours refused."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import cursors
from shared.contracts.errors import Refusal


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
