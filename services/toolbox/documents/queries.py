"""What is shown of documents: lists, one with its versions, and permission to fetch a file."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, select, tuple_

from services.toolbox.documents import rules
from services.toolbox.documents.tables import documents, versions
from services.toolbox.documents.views import document_view, version_view
from services.toolbox.resources import Resources
from shared import cursors
from shared.auth.grants import LIFETIME_SECONDS, Grant
from shared.auth.principal import Principal
from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.contracts.toolbox import PUBLIC
from shared.messaging.service import Request


def list_documents(toolbox: Resources, request: Request) -> dict[str, Any]:
    """Documents that the caller may read, the newest first; those in which every word of `text` occurs."""
    limit = request.arguments["limit"]
    query = select(documents).where(documents.c.deleted_at.is_(None))
    if request.caller is None:
        query = query.where(documents.c.access == PUBLIC)
    for word in rules.search_words(request.arguments["text"] or ""):
        query = query.where(documents.c.search_text.contains(word, autoescape=True))
    if after := cursors.decode(request.arguments["cursor"], int, str):
        query = query.where(tuple_(documents.c.created_at, documents.c.id) < after)
    newest_first = (documents.c.created_at.desc(), documents.c.id.desc())
    with toolbox.database.read() as connection:
        found = list(connection.execute(query.order_by(*newest_first).limit(limit + 1)))
        page, rest = cursors.page(found, limit, "created_at", "id")
        shown = [dict(row._mapping) for row in page]
        latest = _latest_of(connection, shown)
    return {"data": [document_view(row, latest[row["id"]], request.caller) for row in shown], **rest}


def get_document(toolbox: Resources, request: Request) -> dict[str, Any]:
    """A document with all its versions. Refuses `document-deleted`, and `not-found` for who may not read
    it.
    """
    with toolbox.database.read() as connection:
        row = readable(connection, request.arguments["id"], request.caller)
        of_it = select(versions).where(versions.c.document == row["id"]).order_by(versions.c.number.desc())
        listed = [dict(version) for version in connection.execute(of_it).mappings()]
    shown = [version_view(version) for version in listed]
    return {**document_view(row, listed[0], request.caller), "versions": shown}


def grant_download(toolbox: Resources, request: Request) -> dict[str, Any]:
    """A minute's permission to fetch the file of a version. Refuses as `get_document` does."""
    with toolbox.database.read() as connection:
        row = readable(connection, request.arguments["id"], request.caller)
        number = request.arguments["version"] or row["latest"]
        wanted = and_(versions.c.document == row["id"], versions.c.number == number)
        version = connection.execute(select(versions).where(wanted)).mappings().first()
    if version is None:
        raise Refusal("not-found")
    grant = Grant(version["id"], version["file_name"], version["media_type"], version["size"])
    return {
        "grant": toolbox.granter.sign(grant),
        "expires_at": clock.to_text(clock.now_us() + LIFETIME_SECONDS * clock.MICROSECONDS),
    }


def readable(connection: Connection, document: str, caller: Principal | None) -> Mapping[str, Any]:
    """The row of a document that the caller may read. Raises Refusal `not-found` or `document-deleted`."""
    row = connection.execute(select(documents).where(documents.c.id == document)).mappings().first()
    if row is None or not rules.may_read(caller, row["access"]):
        raise Refusal("not-found")
    if row["deleted_at"] is not None:
        raise Refusal("document-deleted", deleted_at=clock.to_text(row["deleted_at"]))
    return dict(row)


def _latest_of(connection: Connection, rows: Any) -> dict[str, Mapping[str, Any]]:
    wanted = [(row["id"], row["latest"]) for row in rows]
    newest = tuple_(versions.c.document, versions.c.number).in_(wanted)
    found = connection.execute(select(versions).where(newest)).mappings()
    return {version["document"]: dict(version) for version in found}
