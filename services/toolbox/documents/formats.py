"""What a file is, told by its content: the kinds that are taken, and how each is known from beginning to end.

Neither its name nor its sender is believed; what they say must only not contradict what it holds. Kinds
that browsers or systems would run (HTML, SVG, scripts, programs) are none of these.
"""

import codecs
import hashlib
from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple

from services.toolbox.documents import archives, rules
from shared.contracts.errors import Refusal

TEXT, MARKDOWN, CSV = "text/plain", "text/markdown", "text/csv"
TEXTS = frozenset({TEXT, MARKDOWN, CSV})
PIECE_BYTES = 256 * 1024
TAIL_BYTES = 2048

_OOXML, _ODF = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    _OOXML + "wordprocessingml.document": (".docx",),
    _OOXML + "spreadsheetml.sheet": (".xlsx",),
    _OOXML + "presentationml.presentation": (".pptx",),
    _ODF + "text": (".odt",),
    _ODF + "spreadsheet": (".ods",),
    _ODF + "presentation": (".odp",),
    TEXT: (".txt",),
    MARKDOWN: (".md", ".markdown"),
    CSV: (".csv",),
}
"""Every kind that is taken, and the endings of its names; a name without one gets the first."""
_BY_ENDING = {ending: kind for kind, endings in ENDINGS.items() for ending in endings}

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
_MARKUP = ("<!doctype", "<html", "<head", "<body", "<script", "<svg", "<?xml", "<?php", "<!entity", "<iframe")
_PROGRAM = ("#!", "@echo", "%!ps")


class Damaged(Exception):
    """The file begins as its kind does and does not end so."""


class Recognised(NamedTuple):
    """A file's kind, and its name with the ending that belongs to it."""

    media_type: str
    file_name: str


def hash_of(file: BinaryIO) -> tuple[int, str]:
    """The size of a file and its SHA-256 in hexadecimal."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def recognise(file: BinaryIO, size: int, name: str, claimed_type: str) -> Recognised:
    """What the file is and how it is called; `name` is a clean one.

    Raises Refusal `empty-file`, `unsupported-file`, `damaged-file`, `unsafe-file` or `wrong-file-type`.
    """
    if size == 0:
        raise Refusal("empty-file", name=name)
    found = _by_content(file, size, name)
    stem, ending = rules.split_ending(name)
    promised = _BY_ENDING.get(ending.lower())
    if found == TEXT:
        if ending and promised not in TEXTS:
            raise _wrong(name, promised or ending, found)
        found = promised or TEXT
    elif ending and promised != found:
        raise _wrong(name, promised or ending, found)
    claimed = claimed_type.partition(";")[0].strip().lower()
    if claimed in ENDINGS and claimed != found and not {claimed, found} <= TEXTS:
        raise _wrong(name, claimed, found)
    return Recognised(found, name if ending else rules.clean_file_name(stem + ENDINGS[found][0]))


def _wrong(name: str, claimed: str, found: str) -> Refusal:
    return Refusal("wrong-file-type", name=name, claimed=claimed, type=found)


def _by_content(file: BinaryIO, size: int, name: str) -> str:
    file.seek(0)
    head = file.read(32)
    for beginning, kind, check in _SIGNED:
        if head.startswith(beginning) and (kind != "image/webp" or head[8:12] == b"WEBP"):
            try:
                check(file, size)
            except Damaged as error:
                raise Refusal("damaged-file", name=name, type=kind) from error
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _office(file, size, name)
    if _is_text(file):
        return TEXT
    raise Refusal("unsupported-file", name=name)


def _office(file: BinaryIO, size: int, name: str) -> str:
    try:
        kind = archives.office_type(file, size)
    except archives.Damaged as error:
        raise Refusal("damaged-file", name=name, type="application/zip") from error
    except archives.Unsafe as error:
        raise Refusal("unsafe-file", name=name) from error
    if kind is None:
        raise Refusal("unsupported-file", name=name)
    return kind


def _pdf(file: BinaryIO, size: int) -> None:
    if b"%%EOF" not in _tail(file, size):
        raise Damaged


def _png(file: BinaryIO, size: int) -> None:
    """From chunk to chunk, each with its length, to the one that ends it."""
    place, kind = 8, b""
    while kind != b"IEND":
        file.seek(place)
        chunk = file.read(8)
        if len(chunk) < 8 or (place == 8 and chunk != b"\0\0\0\x0dIHDR"):
            raise Damaged
        kind = chunk[4:]
        place += 12 + int.from_bytes(chunk[:4], "big")
    if place > size:
        raise Damaged


def _jpeg(file: BinaryIO, _size: int) -> None:
    """From segment to segment, which may hold a smaller picture, to the picture itself and its end."""
    place, kind = 2, 0
    while kind != 0xDA:
        file.seek(place)
        segment = file.read(4)
        if len(segment) < 4 or segment[0] != 0xFF:
            raise Damaged
        kind = segment[1]
        # A marker may be filled up with further 0xFF before it.
        place += 1 if kind == 0xFF else 2 + int.from_bytes(segment[2:], "big")
    file.seek(place)
    last = b""
    while piece := file.read(PIECE_BYTES):
        if b"\xff\xd9" in last + piece:
            return
        last = piece[-1:]
    raise Damaged


def _gif(file: BinaryIO, size: int) -> None:
    if not _tail(file, size).rstrip(b"\0").endswith(b";"):
        raise Damaged


def _webp(file: BinaryIO, size: int) -> None:
    file.seek(4)
    if int.from_bytes(file.read(4), "little") + 8 > size:
        raise Damaged


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - TAIL_BYTES))
    return file.read(TAIL_BYTES)


def _is_text(file: BinaryIO) -> bool:
    """Whether it is UTF-8 throughout, without control characters, and does not begin as markup or program."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    file.seek(0)
    beginning = ""
    try:
        while piece := file.read(PIECE_BYTES):
            if piece.translate(None, _CONTROLS) != piece:
                return False
            text = decoder.decode(piece)
            beginning = beginning or text.lstrip()[:64].lower()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return not beginning.startswith((*_MARKUP, *_PROGRAM))


_SIGNED: tuple[tuple[bytes, str, Callable[[BinaryIO, int], None]], ...] = (
    (b"%PDF-", "application/pdf", _pdf),
    (b"\x89PNG\r\n\x1a\n", "image/png", _png),
    (b"\xff\xd8\xff", "image/jpeg", _jpeg),
    (b"GIF87a", "image/gif", _gif),
    (b"GIF89a", "image/gif", _gif),
    (b"RIFF", "image/webp", _webp),
)
"""How a kind's files begin, and what holds to their end."""
