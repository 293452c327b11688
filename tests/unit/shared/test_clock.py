"""Times on the wire: RFC 3339, and nothing that merely resembles it. And the clock that measures how long
something takes.
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import clock

NEW_YEAR = 1_798_761_600_000_000
"""2027-01-01 in UTC."""


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2027-01-01T00:00:00Z", NEW_YEAR),
        ("2027-01-01T00:00:00.5Z", NEW_YEAR + 500_000),
        ("2027-01-01T00:00:00.1234567Z", NEW_YEAR + 123_456),
        ("2027-01-01T01:00:00+01:00", NEW_YEAR),
        ("2026-12-31T12:30:00-11:30", NEW_YEAR),
        ("2027-01-01T00:00:00-00:00", NEW_YEAR),
    ],
)
def test_a_time_is_read_with_its_offset(text: str, us: int) -> None:
    assert clock.from_text(text) == us


@pytest.mark.parametrize(
    "text",
    [
        "20270101T000000Z",
        "2027-W01-1T00:00:00Z",
        "2027-001T00:00:00Z",
        "2027-01-01T00Z",
        "2027-01-01T00:00Z",
        "2027-01-01 00:00:00Z",
        "2027-01-01T00:00:00",
        "2027-01-01T00:00:00+00:00:30",
        "2027-01-01T00:00:00+01",
        "2027-01-01T00:00:00+0100",
        "2027-01-01T00:00:00+01:60",
        "2027-01-01T00:00:00+24:00",
        "2027-01-01T00:00:00,5Z",
        "2027-01-01T00:00:00.Z",
        "2027-01-01T00:00:00Z\n",
        "2027-01-01T24:00:00Z",
        "2027-02-29T00:00:00Z",
        "\u0662\u0660\u0662\u0667-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
    ],
)
def test_what_is_no_such_time_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        clock.from_text(text)


@given(st.integers(0, clock.LAST_US))
def test_what_is_written_is_read_again(us: int) -> None:
    assert clock.from_text(clock.to_text(us)) == us


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has another clock for it")
def test_time_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 7.5}.__getitem__)
    assert clock.elapsed() == 7.5
