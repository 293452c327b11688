"""Small files of every kind that the toolbox takes, made here so that each byte is known."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

_OOXML = "application/vnd.openxmlformats-officedocument."
OFFICE = {
    "docx": ("word/document.xml", _OOXML + "wordprocessingml.document"),
    "xlsx": ("xl/workbook.xml", _OOXML + "spreadsheetml.sheet"),
    "pptx": ("ppt/presentation.xml", _OOXML + "presentationml.presentation"),
}
OPEN_DOCUMENT = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}


def pdf(text: str = "hello") -> bytes:
    return f"%PDF-1.4\n% {text}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n".encode()


def png() -> bytes:
    header = struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b""))
    )


def jpeg() -> bytes:
    small_picture = b"\xff\xd8\xff\xd9"
    return (
        b"\xff\xd8" + _segment(0xE1, small_picture) + _segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\x34\xff\xd9"
    )


def gif() -> bytes:
    return b"GIF89a" + struct.pack("<2H3B", 1, 1, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\1\0\0;"


def webp() -> bytes:
    body = b"WEBPVP8 " + struct.pack("<I", 4) + b"\0" * 4
    return b"RIFF" + struct.pack("<I", len(body)) + body


def archive(members: Mapping[str, str | bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return written.getvalue()


def office(ending: str, more: Mapping[str, str | bytes] | None = None, kind: str = "main+xml") -> bytes:
    """A docx, xlsx or pptx; with `more` members."""
    part, media_type = OFFICE[ending]
    types = f'<Types><Override PartName="/{part}" ContentType="{media_type}.{kind}"/></Types>'
    return archive({"[Content_Types].xml": types, part: "<x/>", **(more or {})})


def open_document(ending: str) -> bytes:
    """An odt, ods or odp."""
    kind = f"application/vnd.oasis.opendocument.{OPEN_DOCUMENT[ending]}"
    return archive({"mimetype": kind, "content.xml": "<x/>", "META-INF/manifest.xml": "<x/>"})


def every_kind() -> dict[str, bytes]:
    """A file by the ending of its name."""
    return {
        "pdf": pdf(),
        "png": png(),
        "jpg": jpeg(),
        "gif": gif(),
        "webp": webp(),
        **{ending: office(ending) for ending in OFFICE},
        **{ending: open_document(ending) for ending in OPEN_DOCUMENT},
        "txt": "Ας είναι καλά\n".encode(),
        "md": b"# Minutes\n\n- one\n",
        "csv": "name,hours\nAmélie,3\n".encode("utf-8-sig"),
    }


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body
