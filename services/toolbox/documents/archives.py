"""Looking inside office files, which are ZIP archives, without unpacking them.

What an archive says of itself is never believed before it is bounded: the table of contents is measured
before it is read, and of its members two are read, each up to a limit.
"""

import struct
import zipfile
import zlib
from typing import BinaryIO

MAX_MEMBERS = 10_000
MAX_CONTENTS_BYTES = 1024 * 1024
"""How long an archive's table of contents may be: reading it takes some hundred times its bytes in memory."""
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_EXPANSION = 200
"""How many times its own size an archive may unpack to; text in XML comes to 20, a bomb to a thousand."""
ALWAYS_FINE_BYTES = 16 * 1024 * 1024
MAX_DESCRIPTION_BYTES = 1024 * 1024

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LARGE_SIGNATURE = b"PK\x06\x07"
_LARGE_LOCATOR_BYTES = 20
_LONGEST_COMMENT = 65_535
_ENCRYPTED = 0x1

_OOXML = "application/vnd.openxmlformats-officedocument."
_BY_PART = (
    ("word/document.xml", _OOXML + "wordprocessingml.document"),
    ("xl/workbook.xml", _OOXML + "spreadsheetml.sheet"),
    ("ppt/presentation.xml", _OOXML + "presentationml.presentation"),
)
_ODF = "application/vnd.oasis.opendocument."
_OPEN_DOCUMENTS = frozenset(_ODF + kind for kind in ("text", "spreadsheet", "presentation"))


class Damaged(Exception):
    """The archive is cut off, or no archive at all."""


class Unsafe(Exception):
    """Opening the archive could do harm: a bomb, macros, encryption, members that lead out of it."""


def office_type(file: BinaryIO, size: int) -> str | None:
    """The media type of an office file, or None for any other archive. Raises Damaged or Unsafe."""
    _measure(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename: member for member in archive.infolist()}
            found = _open_document(archive, members) or _office_open(archive, members)
            if found is not None:
                _require_safe(archive.infolist(), size)
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise Damaged from error


def _measure(file: BinaryIO, size: int) -> None:
    """Bound the table of contents by what stands at the archive's end, as the reader will look for it."""
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read(size - start)
    place = len(tail) - _END.size
    if place < 0 or tail[place : place + 4] != _END_SIGNATURE or tail[-2:] != b"\0\0":
        place = tail.rfind(_END_SIGNATURE)
    if place < 0 or len(tail) - place < _END.size:
        raise Damaged
    locator = place - _LARGE_LOCATOR_BYTES
    if locator >= 0 and tail[locator : locator + 4] == _LARGE_SIGNATURE:
        # For archives of more than 4 GB, which no document is.
        raise Unsafe
    *_, count, contents, _offset, _comment = _END.unpack_from(tail, place)
    if count > MAX_MEMBERS or contents > MAX_CONTENTS_BYTES:
        raise Unsafe


def _open_document(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> str | None:
    if not {"mimetype", "content.xml", "META-INF/manifest.xml"} <= members.keys():
        return None
    kind = _beginning(archive, members["mimetype"], 200).decode("ascii", "replace").strip()
    return kind if kind in _OPEN_DOCUMENTS else None


def _office_open(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> str | None:
    if "[Content_Types].xml" not in members:
        return None
    told = _beginning(archive, members["[Content_Types].xml"], MAX_DESCRIPTION_BYTES)
    for part, media_type in _BY_PART:
        if part in members:
            # The types of files with macros and of templates are others.
            if f"{media_type}.main+xml".encode() in told:
                return media_type
            if b"macroEnabled" in told:
                raise Unsafe
    return None


def _require_safe(members: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = 0
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        leads_out = ".." in parts or parts[0] == "" or ":" in parts[0]
        holds_macros = parts[-1].lower() in ("vbaproject.bin", "vbadata.xml") or parts[0] == "Basic"
        if leads_out or holds_macros or member.flag_bits & _ENCRYPTED:
            raise Unsafe
        unpacked += member.file_size
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED_BYTES:
        raise Unsafe
    if unpacked > max(ALWAYS_FINE_BYTES, size * MAX_EXPANSION):
        raise Unsafe


def _beginning(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    if member.flag_bits & _ENCRYPTED:
        raise Unsafe
    with archive.open(member) as opened:
        return opened.read(limit)
