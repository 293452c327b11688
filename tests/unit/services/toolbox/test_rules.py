"""Names of files, texts and search: plain functions, tried with what people and attackers send."""

import pytest

from services.toolbox.documents import rules
from shared.auth.principal import MEMBER, OPERATOR, Principal


def _principal(subject: str, *roles: str) -> Principal:
    return Principal(subject, frozenset(roles), 0)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("minutes.pdf", "minutes.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Amina\\notes.txt", "notes.txt"),
        ("/", "document"),
        ("..", "document"),
        ("", "document"),
        (".htaccess", "htaccess"),
        ("  a   b .pdf ", "a b .pdf"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\u2066b\u2069c\u200e.txt", "abc.txt"),
        ("line\nbreak\r\0.csv", "line break.csv"),
        ("وثيقة الحي ٢٠٢٦.pdf", "وثيقة الحي ٢٠٢٦.pdf"),
        ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),
        ("cafe\u0301.pdf", "café.pdf"),
        ('what? "this": <that>|*.md', "what_ _this__ _that___.md"),
        ("CON.txt", "_CON.txt"),
        ("lpt1", "_lpt1"),
        ("\ud800.txt", "txt"),
        ("trailing dots...", "trailing dots"),
    ],
)
def test_a_file_name_is_made_fit_and_keeps_its_meaning(given: str, kept: str) -> None:
    assert rules.clean_file_name(given) == kept
    assert rules.clean_file_name(kept) == kept


@pytest.mark.parametrize("letter", ["x", "ع", "𝒳", "e\u0323\u0301"])
def test_a_name_of_4000_characters_keeps_its_beginning_and_its_ending(letter: str) -> None:
    name = rules.clean_file_name(letter * (4000 // len(letter)) + ".docx")
    assert 240 < len(name.encode()) <= 255
    assert name.endswith(".docx")
    assert name[0] == rules.clean_file_name(letter)[0]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.pdf", ("a", ".pdf")),
        ("archive.tar.gz", ("archive.tar", ".gz")),
        ("Minutes of 12.11", ("Minutes of 12.11", "")),
        ("no ending", ("no ending", "")),
        ("a.long sentence. After a dot", ("a.long sentence. After a dot", "")),
    ],
)
def test_an_ending_is_told_from_a_dot(name: str, parts: tuple[str, str]) -> None:
    assert rules.split_ending(name) == parts


def test_texts_lose_what_cannot_be_seen_and_tags_their_doubles() -> None:
    assert rules.clean_line(" a\u202e b\n c\x07 ") == "a b c"
    assert rules.clean_text("one\r\n\r\n\r\n\r\ntwo\u202e\n") == "one\n\ntwo"
    assert rules.clean_tags([" Care", "care", "", "حيّ", "a,b"]) == ["Care", "حيّ", "a b"]


def test_who_may_read_and_change() -> None:
    owner, other, operator = _principal("o", MEMBER), _principal("x", MEMBER), _principal("y", OPERATOR)
    assert rules.may_read(None, "public")
    assert not rules.may_read(None, "signed-in")
    assert rules.may_read(other, "signed-in")
    assert [rules.may_change(each, "o") for each in (owner, other, operator, None)] == [
        True,
        False,
        True,
        False,
    ]
