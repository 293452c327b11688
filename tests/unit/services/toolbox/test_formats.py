"""What a file is, told by its content: every kind, cut off anywhere, and what only pretends."""

import io
import struct
import tracemalloc
import zipfile

import pytest

from services.toolbox.documents import archives, formats
from shared.contracts.errors import Refusal
from tests.support import samples

KINDS = samples.every_kind()


def _recognise(content: bytes, name: str, claimed: str = "") -> formats.Recognised:
    return formats.recognise(io.BytesIO(content), len(content), name, claimed)


def _refused(content: bytes, name: str, claimed: str = "") -> str:
    with pytest.raises(Refusal) as refused:
        _recognise(content, name, claimed)
    return refused.value.slug


@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_is_known_by_its_content(ending: str) -> None:
    found = _recognise(KINDS[ending], f"a.{ending}", "application/octet-stream")
    assert f".{ending}" in formats.ENDINGS[found.media_type]
    assert found.file_name == f"a.{ending}"
    assert _recognise(KINDS[ending], f"a.{ending.upper()}").media_type == found.media_type


@pytest.mark.parametrize("ending", sorted(set(KINDS) - {"txt", "md", "csv"}))
def test_a_name_without_an_ending_gets_the_right_one(ending: str) -> None:
    assert _recognise(KINDS[ending], "report").file_name == f"report.{ending}"


@pytest.mark.parametrize("ending", sorted(set(KINDS) - {"txt", "md", "csv"}))
def test_a_file_that_is_cut_off_anywhere_is_refused(ending: str) -> None:
    whole = KINDS[ending].rstrip(b"\n")
    for length in {1, 4, 12, len(whole) // 2, len(whole) - 2, len(whole) - 1} - {0}:
        # As long as nothing tells its kind, it may be a text, which its name then contradicts.
        assert _refused(whole[:length], f"a.{ending}") in (
            "damaged-file",
            "unsupported-file",
            "wrong-file-type",
        )


@pytest.mark.parametrize(
    ("content", "name", "claimed", "slug"),
    [
        (b"", "a.pdf", "", "empty-file"),
        (samples.pdf(), "a.docx", "", "wrong-file-type"),
        (samples.pdf(), "a.txt", "", "wrong-file-type"),
        (samples.pdf(), "a.pdf", "image/png", "wrong-file-type"),
        (samples.pdf(), "a.exe", "", "wrong-file-type"),
        (b"hello", "a.html", "", "wrong-file-type"),
        (b"hello", "a.svg", "", "wrong-file-type"),
        (b"alert(1)", "a.js", "", "wrong-file-type"),
        (b"hello", "a.pdf", "", "wrong-file-type"),
        (b"MZ\x90\0\3\0\0\0", "a.txt", "", "unsupported-file"),
        (b"\x7fELF\2\1\1\0", "a.txt", "", "unsupported-file"),
        (b"<!DOCTYPE html><p>", "a.txt", "text/plain", "unsupported-file"),
        (b"\xef\xbb\xbf  \n<SVG onload=x>", "a.md", "", "unsupported-file"),
        (b"<?xml version='1.0'?><svg/>", "a.csv", "", "unsupported-file"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt", "", "unsupported-file"),
        (b"caf\xe9\n", "a.txt", "", "unsupported-file"),
        ("text".encode("utf-16"), "a.txt", "", "unsupported-file"),
        ("половина".encode()[:-1], "a.txt", "", "unsupported-file"),
        (b"a\0b", "a.txt", "", "unsupported-file"),
        (b"\x1b[31mred", "a.txt", "", "unsupported-file"),
        (b"RIFF\4\0\0\0WAVE", "a.webp", "", "unsupported-file"),
        (samples.archive({"a.txt": "x"}), "a.docx", "", "unsupported-file"),
        (samples.archive({"word/document.xml": "x"}), "a.docx", "", "unsupported-file"),
        (samples.office("docx"), "a.xlsx", "", "wrong-file-type"),
    ],
)
def test_what_is_not_what_it_says_is_refused(content: bytes, name: str, claimed: str, slug: str) -> None:
    assert _refused(content, name, claimed) == slug


def test_a_text_goes_by_its_name_whatever_kind_of_text_it_was_called() -> None:
    assert _recognise(b"a,b", "a.csv", "text/plain; charset=utf-8").media_type == "text/csv"
    assert _recognise(b"a,b", "a.csv", "application/vnd.ms-excel").media_type == "text/csv"
    assert _recognise(b"# a", "notes", "").file_name == "notes.txt"


def test_a_letter_across_two_pieces_is_whole() -> None:
    text = "a" * (formats.PIECE_BYTES - 1) + "é"
    assert _recognise(text.encode(), "a.txt").media_type == "text/plain"


@pytest.mark.parametrize(
    "content",
    [
        samples.office("docx", {"../../evil.txt": "x"}),
        samples.office("docx", {"/etc/passwd": "x"}),
        samples.office("docx", {"C:\\x": "x"}),
        samples.office("docx", {"word/vbaProject.bin": b"x"}),
        samples.office("docx", kind="macroEnabled.main+xml"),
        samples.office("xlsx", {"xl/bomb.xml": b"\0" * (64 * 1024 * 1024)}),
    ],
)
def test_an_office_file_that_could_do_harm_is_refused(content: bytes) -> None:
    ending = "xlsx" if b"xl/" in content else "docx"
    assert _refused(content, f"a.{ending}") == "unsafe-file"


def test_an_encrypted_member_is_refused() -> None:
    content = bytearray(samples.office("docx"))
    place = content.index(b"PK\1\2")
    content[place + 8] |= 1
    assert _refused(bytes(content), "a.docx") == "unsafe-file"


def test_looking_into_an_archive_takes_little_memory_whatever_it_holds() -> None:
    """A table of contents of a million members, types of 64 MB: neither is read."""
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 40 * 1024 * 1024, 0, 0)
    many = b"PK\3\4" + b"\0" * (40 * 1024 * 1024) + end
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", b" " * (64 * 1024 * 1024))
        file.writestr("word/document.xml", "x")
    tracemalloc.start()
    try:
        assert _refused(many, "a.docx") == "unsafe-file"
        assert _refused(written.getvalue(), "a.docx") == "unsupported-file"
        assert tracemalloc.get_traced_memory()[1] < 50 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_table_of_contents_for_larger_archives_is_refused() -> None:
    content = samples.office("docx")
    place = content.rindex(b"PK\5\6")
    large = content[:place] + b"PK\6\7" + b"\0" * 16 + content[place:]
    with pytest.raises(archives.Unsafe):
        archives.office_type(io.BytesIO(large), len(large))
