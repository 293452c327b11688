"""Amounts as people write them: read strictly, in the reader's own way of writing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import amounts, i18n
from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS

POINT, COMMA = "en", "fr"


@pytest.mark.parametrize(
    ("language", "text", "minor_units", "amount"),
    [
        (POINT, "12.50", 100, 1250),
        (POINT, "12.5", 100, 1250),
        (POINT, " 12 ", 100, 1200),
        (POINT, "0.01", 100, 1),
        (COMMA, "12,50", 100, 1250),
        ("es", "0,5", 10, 5),
        ("pt", "1,234", 1000, 1234),
        ("el", "7", 1, 7),
        ("ar", "12.50", 100, 1250),
        ("ar", "١٢٫٥٠", 100, 1250),
        ("ar", "۱۲٫۵", 100, 1250),
        ("fr", "١٢٫٥٠", 100, 1250),
        (POINT, "1:20", 60, 80),
        (POINT, "0:05", 60, 5),
        (POINT, "2", 60, 120),
        ("ar", "١:٢٠", 60, 80),
        (POINT, "90071992547409.91", 100, MAX_AMOUNT),
    ],
)
def test_what_is_surely_an_amount_is_read(language: str, text: str, minor_units: int, amount: int) -> None:
    with i18n.speaking(language):
        assert amounts.read(text, minor_units) == amount


@pytest.mark.parametrize(
    ("language", "text", "minor_units"),
    [
        (POINT, "", 100),
        (POINT, "0", 100),
        (POINT, "0.00", 100),
        (POINT, "-1", 100),
        (POINT, "+1", 100),
        (POINT, "1e3", 100),
        (POINT, "12.345", 100),
        (POINT, "12,50", 100),
        (POINT, "1,250.50", 100),
        (POINT, "12.", 100),
        (POINT, ".5", 100),
        (POINT, "1.2.3", 100),
        (POINT, "1.0", 1),
        (COMMA, "12.50", 100),
        (COMMA, "1 250,50", 100),
        (POINT, "1:5", 60),
        (POINT, "1:60", 60),
        (POINT, "1.5", 60),
        (POINT, "1:20", 100),
        (POINT, "90071992547409.92", 100),
        (POINT, "९", 100),
        (POINT, "²", 100),
        (POINT, "1" * 41, 100),
        (POINT, "NaN", 100),
    ],
)
def test_what_is_not_surely_an_amount_is_refused(language: str, text: str, minor_units: int) -> None:
    with i18n.speaking(language), pytest.raises(amounts.NotAnAmount):
        amounts.read(text, minor_units)


@given(
    amount=st.integers(1, MAX_AMOUNT),
    minor_units=st.sampled_from(MINOR_UNITS),
    language=st.sampled_from(list(i18n.OWN_NAMES)),
)
def test_what_is_written_into_a_field_is_read_back(amount: int, minor_units: int, language: str) -> None:
    with i18n.speaking(language):
        assert amounts.read(amounts.written(amount, minor_units), minor_units) == amount


@pytest.mark.parametrize("language", list(i18n.OWN_NAMES))
@pytest.mark.parametrize("minor_units", MINOR_UNITS)
def test_the_example_beside_a_field_is_itself_an_amount(language: str, minor_units: int) -> None:
    with i18n.speaking(language):
        assert amounts.read(amounts.example(minor_units), minor_units) > 0
