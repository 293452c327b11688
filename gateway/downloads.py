"""Files handed over on the strength of a grant."""

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from flask import Blueprint, Response

from gateway.wiring import wiring
from shared.auth.grants import Grant, read_grant
from shared.auth.keys import TRUSTED_FILE, load_trusted
from shared.blobs.store import PIECE_BYTES, BlobMissing
from shared.contracts import toolbox
from shared.contracts.errors import Refusal

ISSUERS_SECONDS = 60.0
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Should a reader's browser open a file after all, it runs nothing of it."""

files = Blueprint("files", __name__)


@files.get("/files/<string:grant>")
def download(grant: str) -> Response:
    """The file that a grant allows to fetch."""
    keys = wiring().config.keys
    trusted = wiring().recent.get("trusted", ISSUERS_SECONDS, lambda: load_trusted(keys / TRUSTED_FILE))
    allowed = read_grant(grant, toolbox.SERVICE, trusted)
    try:
        file = wiring().blobs.open(allowed.blob)
    except BlobMissing as error:
        # It was deleted since.
        raise Refusal("grant-expired") from error
    answer = Response(_pieces(file), content_type=_content_type(allowed.media_type))
    answer.call_on_close(file.close)
    answer.content_length = allowed.size
    answer.headers["Content-Disposition"] = _disposition(allowed)
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _content_type(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _disposition(grant: Grant) -> str:
    """RFC 6266: the name in ASCII for old programs, and as it is."""
    plain = grant.name.encode("ascii", "replace").decode().replace("?", "_")
    plain = plain.replace("\\", "_").replace('"', "_")
    return f"{grant.disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(grant.name, safe='')}"
