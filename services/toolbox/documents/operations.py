"""What changes documents: adding, adding a version, deleting. Each is one transaction, its event in the
outbox; and the jobs that clear up behind them.

A file is checked while it is still staged. Its rows come first and its move into the store second, in one
transaction: so two requests with the same id meet at the row, a refusal keeps nothing, and a row whose file
is missing cannot be committed. A crash between the move and the commit leaves a file without a row, which
the repeated request replaces.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.toolbox import metrics
from services.toolbox.documents import formats, queries, rules
from services.toolbox.documents.tables import documents, outbox, versions
from services.toolbox.documents.views import document_view
from services.toolbox.resources import Resources
from shared.auth.principal import Principal
from shared.blobs.store import BlobMissing, StorageFull
from shared.blocking import run_blocking
from shared.contracts import clock, ids
from shared.contracts.errors import Refusal
from shared.contracts.events import (
    DOCUMENT_ADDED,
    DOCUMENT_DELETED,
    DOCUMENT_VERSION_ADDED,
    EventType,
    new_event,
)
from shared.contracts.toolbox import MAX_VERSIONS
from shared.folding import folded
from shared.messaging.service import Request
from shared.outbox.table import record

REMOVED_AT_ONCE = 100
STAGED_SECONDS = 3600
"""How long after its last byte a staged file is given up: no upload stands still for an hour and succeeds."""

Row = Mapping[str, Any]


class _File(NamedTuple):
    """A staged file that was checked."""

    staged: str
    size: int
    sha256: str
    media_type: str
    name: str


def add_document(toolbox: Resources, request: Request) -> dict[str, Any]:
    """A new document with its first version; the same id with the same content answers as the first time.

    Refuses a file that is not what it should be (see `formats`), `incomplete-upload`, `storage-full`, and
    `id-reused`.
    """
    caller, given = request.principal, request.arguments
    rules.require_contributor(caller)
    with _counted() as outcome:
        file = _checked(toolbox, given)
        document = _new_document(given, caller, file)
        version = _new_version(document["id"], document["id"], 1, given["note"], caller, file)

        def add(connection: Connection) -> dict[str, Any]:
            existing = _row(connection, documents, document["id"])
            if existing is not None:
                outcome.replayed()
                return _document_again(connection, existing, document, version, caller)
            connection.execute(insert(documents).values(document))
            _keep(toolbox, connection, version, file)
            _tell(connection, DOCUMENT_ADDED, document["id"], 1)
            outcome.added(file.size)
            return {**document_view(document, version, caller), "replayed": False}

        return _once(toolbox, add)


def add_version(toolbox: Resources, request: Request) -> dict[str, Any]:
    """A new version of a document, for its owner and for operators. Refuses as `add_document` does, and
    `too-many-versions`.
    """
    caller, given = request.principal, request.arguments
    with toolbox.database.read() as connection:
        rules.require_change(
            caller,
            queries.readable(connection, given["document"], caller)["owner"],
            "add versions to documents of others",
        )
    with _counted() as outcome:
        file = _checked(toolbox, given)
        version_id = given["id"] or ids.new_id()

        def add(connection: Connection) -> dict[str, Any]:
            document = _locked(connection, given["document"], caller)
            existing = _row(connection, versions, version_id)
            number = document["latest"] + 1
            version = _new_version(version_id, document["id"], number, given["note"], caller, file)
            if existing is not None:
                outcome.replayed()
                _require_same(existing, version, "document", "sha256", "file_name", "note", "created_by")
                return {**document_view(document, _newest(connection, document), caller), "replayed": True}
            if number > MAX_VERSIONS:
                raise Refusal("too-many-versions", limit=MAX_VERSIONS)
            changed = {
                "latest": number,
                "updated_at": version["created_at"],
                "search_text": _search_text(document, file.name),
            }
            connection.execute(update(documents).where(documents.c.id == document["id"]).values(changed))
            _keep(toolbox, connection, version, file)
            _tell(connection, DOCUMENT_VERSION_ADDED, document["id"], number)
            outcome.added(file.size)
            return {**document_view({**document, **changed}, version, caller), "replayed": False}

        return _once(toolbox, add)


def delete_document(toolbox: Resources, request: Request) -> dict[str, Any]:
    """Delete a document, for its owner and for operators: its content can be had no more. Deleting it again
    changes nothing.
    """
    caller, document = request.principal, request.arguments["id"]
    with toolbox.database.write() as connection:
        row = _row(connection, documents, document, lock=True)
        if row is None or not rules.may_read(caller, row["access"]):
            raise Refusal("not-found")
        rules.require_change(caller, row["owner"], "delete documents of others")
        if row["deleted_at"] is None:
            gone = {"deleted_at": clock.now_us(), "deleted_by": caller.subject}
            connection.execute(update(documents).where(documents.c.id == document).values(gone))
            _tell(connection, DOCUMENT_DELETED, document, row["latest"])
    return {}


def remove_files(toolbox: Resources) -> bool:
    """Remove files of deleted documents from the store; says whether more may be waiting.

    A kill between the removal and the mark only makes the removal happen again.
    """
    query = (
        select(versions.c.id)
        .join(documents, documents.c.id == versions.c.document)
        .where(documents.c.deleted_at.is_not(None), versions.c.file_removed_at.is_(None))
        .limit(REMOVED_AT_ONCE)
    )
    with toolbox.database.read() as connection:
        waiting = list(connection.scalars(query))
    for version in waiting:
        toolbox.blobs.remove(version)
    if waiting:
        with toolbox.database.write() as connection:
            removed = update(versions).where(versions.c.id.in_(waiting))
            connection.execute(removed.values(file_removed_at=clock.now_us()))
        metrics.FILES_REMOVED.inc(len(waiting))
    return len(waiting) == REMOVED_AT_ONCE


def forget_staged(toolbox: Resources) -> bool:
    """Drop uploads that came to nothing."""
    metrics.STAGED_FORGOTTEN.inc(toolbox.blobs.forget_staged(STAGED_SECONDS))
    return False


def _checked(toolbox: Resources, given: Row) -> _File:
    """The staged file, whose size, hash and kind are what they should be."""
    name = rules.clean_file_name(given["file_name"])

    def check() -> formats.Recognised:
        with toolbox.blobs.open_staged(given["staged"]) as file:
            if formats.hash_of(file) != (given["size"], given["sha256"]):
                raise Refusal("incomplete-upload")
            return formats.recognise(file, given["size"], name, given["claimed_type"])

    try:
        found = run_blocking(check)
    except BlobMissing as error:
        raise Refusal("incomplete-upload") from error
    return _File(given["staged"], given["size"], given["sha256"], found.media_type, found.file_name)


def _new_document(given: Row, caller: Principal, file: _File) -> dict[str, Any]:
    now = clock.now_us()
    document = {
        "id": given["id"] or ids.new_id(),
        "owner": caller.subject,
        "title": rules.title_of(given["title"], file.name),
        "description": rules.clean_text(given["description"]),
        "tags": "\n".join(rules.clean_tags(given["tags"])),
        "language": given["language"].strip(),
        "access": given["access"],
        "latest": 1,
        "created_at": now,
        "updated_at": now,
        "deleted_at": None,
        "deleted_by": None,
    }
    return {**document, "search_text": _search_text(document, file.name)}


def _new_version(
    version: str, document: str, number: int, note: str, caller: Principal, file: _File
) -> dict[str, Any]:
    return {
        "id": version,
        "document": document,
        "number": number,
        "parent": number - 1 or None,
        "file_name": file.name,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": bytes.fromhex(file.sha256),
        "note": rules.clean_line(note),
        "created_by": caller.subject,
        "created_at": clock.now_us(),
    }


def _search_text(document: Row, file_name: str) -> str:
    texts = (document["title"], document["tags"], file_name, document["description"])
    return " ".join(folded(text) for text in texts if text)


def _keep(toolbox: Resources, connection: Connection, version: Row, file: _File) -> None:
    """Insert the version, then move its file into the store."""
    connection.execute(insert(versions).values(version))
    try:
        toolbox.blobs.commit(file.staged, version["id"])
    except StorageFull as error:
        raise Refusal("storage-full") from error
    except BlobMissing as error:
        raise Refusal("incomplete-upload") from error


def _document_again(
    connection: Connection, existing: Row, document: Row, version: Row, caller: Principal
) -> dict[str, Any]:
    """The answer to a request that was carried out before."""
    _require_same(existing, document, "owner", "title", "description", "tags", "language", "access")
    queries.readable(connection, existing["id"], caller)
    first = _row(connection, versions, version["id"])
    assert first is not None
    _require_same(first, version, "sha256", "file_name", "note")
    return {**document_view(existing, _newest(connection, existing), caller), "replayed": True}


def _require_same(existing: Row, asked: Row, *names: str) -> None:
    if any(existing[name] != asked[name] for name in names):
        raise Refusal("id-reused", id=asked["id"])


def _locked(connection: Connection, document: str, caller: Principal) -> Row:
    """The document, which nobody else changes until the transaction ends."""
    _row(connection, documents, document, lock=True)
    return queries.readable(connection, document, caller)


def _newest(connection: Connection, document: Row) -> Row:
    query = select(versions).where(
        versions.c.document == document["id"], versions.c.number == document["latest"]
    )
    return dict(connection.execute(query).mappings().one())


def _row(connection: Connection, table: Any, id: str, *, lock: bool = False) -> Row | None:
    query = select(table).where(table.c.id == id)
    found = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if found is None else dict(found)


def _tell(connection: Connection, kind: EventType, document: str, version: int) -> None:
    record(connection, outbox, new_event(kind, document, {"id": document, "version": version}))


def _once(toolbox: Resources, work: Callable[[Connection], dict[str, Any]]) -> dict[str, Any]:
    """Run the work in a transaction. Where another request with the same id was faster, it finds its row
    when run again.
    """
    try:
        with toolbox.database.write() as connection:
            return work(connection)
    except IntegrityError:
        with toolbox.database.write() as connection:
            return work(connection)


class _Outcome:
    def __init__(self) -> None:
        self.value, self.size = "error", 0

    def added(self, size: int) -> None:
        self.value, self.size = "added", size

    def replayed(self) -> None:
        self.value = "replayed"


@contextmanager
def _counted() -> Iterator[_Outcome]:
    outcome = _Outcome()
    try:
        yield outcome
    except Refusal as refusal:
        outcome.value, outcome.size = refusal.slug, 0
        raise
    finally:
        metrics.FILES.labels(outcome=outcome.value).inc()
        metrics.FILE_BYTES.inc(outcome.size)
