"""A form with a file, taken in as it arrives: the file goes to the store piece by piece and is never whole
in memory.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import g, request
from marshmallow import Schema, fields
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from gateway.asking import start_again
from gateway.protection import BODY_LIMIT_BYTES, FORM_PARTS_LIMIT
from gateway.wiring import wiring
from shared.blobs.store import Staging, StorageFull, TooLarge
from shared.blocking import run_blocking
from shared.contracts.errors import Fault, Refusal
from shared.contracts.toolbox import MAX_FILE_BYTES

FORM = "multipart/form-data"
FIELD = "file"
MAX_BODY_BYTES = MAX_FILE_BYTES + BODY_LIMIT_BYTES
DRAINED_BYTES = 16 * 1024 * 1024
"""How much of a body that was refused is still taken in and dropped: a sender who is cut off while sending
does not see why.
"""
SYNC_SECONDS = 30.0
ANSWER_SECONDS = 30.0
"""How long the services may take once the file has arrived."""
KEPT = frozenset({"outcome-unknown"})
"""After these the service may still be about to take the file; if not, its own job drops it."""


@contextmanager
def received(schema: type[Schema]) -> Iterator[dict[str, Any]]:
    """The present request's form: its fields as the schema loads them, and its file as a service is told of
    it (see `shared.contracts.toolbox.StagedFile`), which is dropped when the block ends unless a service has
    taken it over.

    Raises Refusal `too-large`, `storage-full`, `incomplete-upload`, `malformed-form`, `invalid-request`;
    ValidationError where a field is wrong.
    """
    taking = _Taking()
    try:
        form, file = _read(taking)
        given = schema().load(_values(form, schema))
        staging = taking.of(file)
        staged = run_blocking(staging.finish, timeout_seconds=SYNC_SECONDS)
    except StorageFull as error:
        taking.abort()
        raise Refusal("storage-full") from error
    except BaseException:
        taking.abort()
        raise
    # The upload may have taken longer than any answer may, or a token lives.
    start_again(ANSWER_SECONDS)
    told = {
        "staged": staged.key,
        "size": staged.size,
        "sha256": staged.sha256,
        "claimed_type": (file.mimetype or "").replace("\0", ""),
        "file_name": (file.filename or "").replace("\0", ""),
    }
    try:
        yield {**given, **told}
    except Refusal as refusal:
        if refusal.slug not in KEPT:
            wiring().blobs.discard(staged.key)
        raise
    wiring().blobs.discard(staged.key)


class _Taking:
    """The file of a form, on its way into the store."""

    def __init__(self) -> None:
        self._staging: Staging | None = None

    def begin(self, *_: Any, **__: Any) -> "_Written":
        """What the form's parser writes the file to."""
        if self._staging is not None:
            raise Refusal("invalid-request", (Fault(f"/{FIELD}", "invalid", "Send one file."),))
        self._staging = wiring().blobs.begin(MAX_FILE_BYTES)
        return _Written(self._staging)

    def of(self, file: FileStorage) -> Staging:
        assert self._staging is not None
        return self._staging

    def abort(self) -> None:
        if self._staging is not None:
            self._staging.abort()


class _Written:
    """A staging file as the parser expects its files to be: it rewinds what it has written."""

    def __init__(self, staging: Staging) -> None:
        self.write = staging.write

    def seek(self, _place: int) -> int:
        return 0


def _read(taking: _Taking) -> tuple[MultiDict[str, str], FileStorage]:
    if request.mimetype != FORM:
        raise Refusal("unsupported-media-type", expected=FORM)
    request.max_content_length = MAX_BODY_BYTES
    parser = FormDataParser(
        stream_factory=taking.begin,  # type: ignore[arg-type]
        max_form_memory_size=BODY_LIMIT_BYTES,
        max_form_parts=FORM_PARTS_LIMIT,
        silent=False,
    )
    try:
        _, form, files = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    except (TooLarge, RequestEntityTooLarge) as error:
        _drain()
        raise Refusal("too-large", limit=MAX_FILE_BYTES) from error
    except (Refusal, StorageFull):
        _drain()
        raise
    except (ClientDisconnected, OSError) as error:
        raise Refusal("incomplete-upload") from error
    except ValueError as error:
        raise Refusal("malformed-form", reason=str(error).rstrip(".")) from error
    # For a page that shows its form again.
    g.upload_form = form
    file = files.get(FIELD)
    if file is None or not file.filename:
        raise Refusal("invalid-request", (Fault(f"/{FIELD}", "required", "Choose a file."),))
    return form, file


def _drain() -> None:
    stream, left = request.environ["wsgi.input"], DRAINED_BYTES
    if not request.environ.get("wsgi.input_terminated"):
        # Without an end of its own, the stream ends where the announced length says.
        left = min(left, request.content_length or 0)
    try:
        while left > 0 and (piece := stream.read(min(left, 64 * 1024))):
            left -= len(piece)
    except OSError:
        # The sender has gone, and needs no answer.
        return


def _values(form: MultiDict[str, str], schema: type[Schema]) -> Mapping[str, Any]:
    """The fields: one value each, several where the schema takes a list, there also parted by commas."""
    known = schema().fields
    values: dict[str, Any] = {}
    for name, texts in form.lists():
        if isinstance(known.get(name), fields.List):
            parts = [part.strip() for text in texts for part in text.split(",")]
            values[name] = [part for part in parts if part]
        else:
            values[name] = texts[-1].replace("\r\n", "\n")
    return values
