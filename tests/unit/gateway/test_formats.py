"""Money, dates and periods in the reader's way of writing."""

import pytest

from gateway import formats, i18n

NB = "\u00a0"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", f"1,234,567.05{NB}PUMA"),
        ("fr", f"1\u202f234\u202f567,05{NB}PUMA"),
        ("es", f"1.234.567,05{NB}PUMA"),
        ("pt", f"1{NB}234{NB}567,05{NB}PUMA"),
        ("el", f"1.234.567,05{NB}PUMA"),
        ("ar", f"\u20661,234,567.05{NB}PUMA\u2069"),
    ],
)
def test_money_is_grouped_and_pointed_as_the_reader_does(language: str, text: str) -> None:
    with i18n.speaking(language):
        assert formats.cash(123456705, "PUMA", 100) == text


def test_the_largest_amount_is_written_to_the_last_cent() -> None:
    assert formats.amount(2**53 - 1, 100) == "90,071,992,547,409.91"
    assert formats.amount(-(2**53 - 1), 1000) == "\u22129,007,199,254,740.991"


def test_time_is_told_in_hours_and_minutes() -> None:
    assert formats.cash(80, "HOUR", 60) == f"1{NB}h{NB}20{NB}min"
    assert formats.cash(0, "HOUR", 60) == f"0{NB}min"
    assert formats.cash(-120, "HOUR", 60) == f"\u22122{NB}h"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("day", "23 Nov 2026"),
        ("week", "Week of 23 Nov 2026"),
        ("month", "November 2026"),
        ("quarter", "Q4 2026"),
        ("year", "2026"),
        ("all", "Since the beginning"),
    ],
)
def test_periods_are_named(kind: str, text: str) -> None:
    assert formats.period("2026-11-23", kind) == text


def test_points_in_time_say_that_they_are_utc() -> None:
    assert formats.moment("2026-11-23T10:00:05.123456+01:00") == f"23 Nov 2026, 09:00:05{NB}UTC"


def test_sizes_of_files_are_in_the_reader_s_units() -> None:
    def plain(size: int, code: str) -> str:
        with i18n.speaking(code):
            return " ".join(formats.file_size(size).split())

    sizes = (1, 1_249, 33_000, 1_500_000, 52_428_800)
    assert [plain(size, "en") for size in sizes] == ["0.1 kB", "1.2 kB", "33 kB", "1.5 MB", "52 MB"]
    assert [plain(1_500_000, code) for code in ("fr", "es", "pt")] == ["1,5 Mo", "1,5 MB", "1,5 MB"]
    for code in i18n.OWN_NAMES:
        assert not any("digital" in plain(size, code) for size in sizes)
