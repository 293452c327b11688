"""Reading a research log: what a row says, how it is rounded, what is told of rows that cannot be read."""

import io
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.imports.ukds import BadRow, Row, WrongFormat, open_log, read
from shared.contracts import clock
from shared.contracts.money import MAX_AMOUNT, MINOR_UNITS
from tests.support.research_log import HEADER, TOKEN, line, log_of, stream

NOW = clock.from_text("2026-11-23T12:00:00Z")


def rows(*lines: str, minor_units: int = 100) -> list[Row | BadRow]:
    return list(read(stream(lines), minor_units, NOW))


def row(text: str, minor_units: int = 100) -> Row | BadRow:
    [only] = rows(text, minor_units=minor_units)
    return only


def amount(weight: str, minor_units: int = 100) -> int | None:
    read = row(line(weight=weight), minor_units)
    return read.amount if isinstance(read, Row) else None


def refused(text: str) -> str:
    bad = row(text)
    assert isinstance(bad, BadRow), bad
    assert bad.reason == "unreadable-row"
    return bad.detail


def test_a_row_is_told_with_all_that_matters() -> None:
    assert row("7,2020-01-25 19:13:17.731529,AGENT_OUT,0xA,0xB,12.345,Sarafu,0xT") == Row(
        number=1,
        id="7",
        occurred_at=clock.from_text("2020-01-25T19:13:17.731529Z"),
        subtype="AGENT_OUT",
        source="0xA",
        target="0xB",
        amount=1234,  # half to even
        token_name="Sarafu",
        token_address="0xT",
    )


# Halves go to the even neighbour, everything else to the nearest.
@pytest.mark.parametrize(
    ("weight", "minor_units", "expected"),
    [
        ("1.005", 100, 100),
        ("1.015", 100, 102),
        ("1.0050000001", 100, 101),
        ("0.005", 100, None),  # rounds to 0, which is no transfer
        ("0.015", 100, 2),
        ("0.004", 100, None),
        ("0.006", 100, 1),
        ("0", 100, None),
        ("2.5", 1, 2),
        ("3.5", 1, 4),
        ("1.5", 60, 90),
        ("0.0083333333", 60, None),  # half a minute, less a little
        ("0.025", 60, 2),  # one and a half minutes
        ("0.0005", 1000, None),
        ("0.0015", 1000, 2),
        ("90071992547409.91", 100, MAX_AMOUNT),
        ("90071992547409.914999999999", 100, MAX_AMOUNT),
        ("90071992547409.915", 100, None),
        ("999999999999999999", 1, None),
    ],
)
def test_weights_round_half_to_even(weight: str, minor_units: int, expected: int | None) -> None:
    assert amount(weight, minor_units) == expected


@given(
    st.integers(0, 2 * MAX_AMOUNT),
    st.integers(0, 10**12 - 1),
    st.integers(0, 12),
    st.sampled_from(MINOR_UNITS),
)
def test_rounding_is_exact_for_every_weight(whole: int, places: int, width: int, minor_units: int) -> None:
    weight = f"{whole // minor_units}" + (f".{places:012d}"[: width + 1] if width else "")
    exact = round(Fraction(weight) * minor_units)
    assert amount(weight, minor_units) == (exact if 1 <= exact <= MAX_AMOUNT else None)


@pytest.mark.parametrize(
    "weight",
    ["-1", "+1", "NaN", "Infinity", "1e3", "1E-3", "", " 1", "1 ", ".5", "5.", "1_000", "0x10", "٣", "1.0.0"],
)
def test_whatever_else_is_no_weight(weight: str) -> None:
    assert "is no positive decimal number" in refused(line(weight=weight))


def test_a_weight_has_at_most_twelve_places_and_eighteen_digits() -> None:
    assert amount("1.123456789012") == 112
    assert amount("1.1234567890123") is None
    assert amount("1" + "0" * 18) is None


@pytest.mark.parametrize(
    "timeset",
    [
        "1969-12-31 23:59:59.999999",
        "10000-01-01 00:00:00",
        "0000-01-01 00:00:00",
        "2020-02-30 10:00:00",
        "2020-01-01 25:00:00",
        "2020-01-01 23:59:60",
        "2020-01-01",
        "2020-01-01 10:00:00+02:00",
        "2020-01-01 10:00:00Z",
        "2020-01-01  10:00:00",
        "٢٠٢٠-01-01 10:00:00",
        "yesterday",
        "",
    ],
)
def test_a_time_that_is_none_is_told(timeset: str) -> None:
    assert "timeset" in refused(line(timeset=timeset))


def test_the_first_moment_of_1970_is_a_time() -> None:
    read = row(line(timeset="1970-01-01T00:00:00"))
    assert isinstance(read, Row)
    assert read.occurred_at == 0


def test_what_has_not_happened_yet_is_told() -> None:
    read = rows(line(1, timeset="2026-11-23 12:00:00"), line(2, timeset="9999-12-31 23:59:59.999999"))
    assert isinstance(read[0], Row)
    assert isinstance(read[1], BadRow)
    assert (read[1].number, read[1].id, read[1].reason) == (2, "2", "in-the-future")


def test_a_log_is_of_one_token() -> None:
    read = rows(line(0, weight="no"), line(1), line(2, token="0xother"), line(3), line(4, token=""))
    assert [(one.number, getattr(one, "reason", "")) for one in read] == [
        (1, "unreadable-row"),
        (2, ""),
        (3, "another-token"),
        (4, ""),
        (5, "another-token"),
    ]
    assert "0xother" in str(read[2])
    assert TOKEN in str(read[2])


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (line(subtype="GIFT"), "transfer_subtype 'GIFT'"),
        (line(subtype="standard"), "transfer_subtype 'standard'"),
        (line(source=""), "source ''"),
        (line(target="two words"), "target 'two words'"),
        (line(target="é"), "target 'é'"),
        (line(source="a" * 101), "source 'aaa"),
        (line() + ",more", "9 columns instead of 8"),
        ("1,2", "2 columns instead of 8"),
        (line(source='"open'), "no CSV"),
        (line(source='"shut"ten'), "no CSV"),
        (line(source="nul\0"), r"control character '\x00'"),
        (line(source="tab\t"), r"control character '\t'"),
        (line(id="x" * 200_000), "longer than"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(text: str, detail: str) -> None:
    assert detail in refused(text)


@pytest.mark.parametrize("spoilt", ['"', "x" * 200_000, "\0", '2,"', "1,2,3", "\x1b[31m"])
def test_a_spoilt_line_spoils_no_other(spoilt: str) -> None:
    read = rows(line(1), spoilt, line(3), line(4))
    assert [(one.number, isinstance(one, Row)) for one in read] == [
        (1, True),
        (2, False),
        (3, True),
        (4, True),
    ]


def test_quotes_and_blank_lines_and_ends_of_lines_are_taken_as_they_come() -> None:
    text = f'\ufeff{HEADER}\r\n1,2024-03-04 10:00:00,STANDARD,"a","b""c",1,"Puma, a token",t\r\n\r\n  \r\n'
    read = list(read_text(text + line(2, token="t")))
    assert [(one.number, one.id) for one in read] == [(1, "1"), (4, "2")]
    assert isinstance(read[0], Row)
    assert (read[0].target, read[0].token_name) == ('b"c', "Puma, a token")


def test_bytes_that_are_no_utf_8_spoil_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(log_of(line(1), line("n\udcff2"), line(3)).encode(errors="surrogateescape"))
    with open_log(path) as file:
        read_rows = list(read(file, 100, NOW))
    assert [isinstance(one, Row) for one in read_rows] == [True, False, True]
    bad = read_rows[1]
    assert isinstance(bad, BadRow)
    assert (bad.id, bad.detail) == ("n2", "the line is not UTF-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        line() + "\n",
        HEADER.replace("weight,", "") + "\n",
        HEADER + ",more\n",
        HEADER.replace(",", ";") + "\n",
        "x" * 200_000,
        "\0\0\0",
        '"',
    ],
)
def test_another_header_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(WrongFormat, match="its first line must be id,timeset"):
        list(read_text(text))


def test_a_header_alone_is_a_log_without_rows() -> None:
    assert list(read_text(HEADER)) == []


def read_text(text: str) -> list[Row | BadRow]:
    return list(read(io.StringIO(text, newline=""), 100, NOW))
