"""What is shown of documents: lists, one with its versions, and permission to fetch a file."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, and_, select, tuple_

from services.toolbox.documents import rules
from services.toolbox.documents.tables import documents, versions
from services.toolbox.documents.views import document_view, version_view
from services.toolbox.resources import Resources
from shared.auth.grants import LIFETIME_SECONDS, Grant
from shared.auth.principal import Principal
from shared.contracts import clock, ids
from shared.contracts.errors import Fault, Refusal
from shared.contracts.toolbox import PUBLIC
from shared.messaging.service import Request

LATEST = 2**63
"""Beyond every time that a row can have."""


def list_documents(toolbox: Resources, request: Request) -> dict[str, Any]:
    """Documents that the caller may read, the newest first; those in which every word of `text` occurs."""
    limit = request.arguments["limit"]
    query = select(documents).where(documents.c.deleted_at.is_(None))
    if request.caller is None:
        query = query.where(documents.c.access == PUBLIC)
    for word in rules.search_words(request.arguments["text"] or ""):
        query = query.where(documents.c.search_text.contains(word, autoescape=True))
    after = _decoded(request.arguments["cursor"])
    if after is not None:
        query = query.where(tuple_(documents.c.created_at, documents.c.id) < after)
    newest_first = (documents.c.created_at.desc(), documents.c.id.desc())
    with toolbox.database.read() as connection:
        found = connection.execute(query.order_by(*newest_first).limit(limit + 1)).mappings()
        rows = [dict(row) for row in found]
        shown, has_more = rows[:limit], len(rows) > limit
        latest = _latest_of(connection, shown)
    return {
        "data": [document_view(row, latest[row["id"]], request.caller) for row in shown],
        "next_cursor": _encoded(shown[-1]) if has_more else None,
        "has_more": has_more,
    }


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


def _encoded(row: Mapping[str, Any]) -> str:
    place = f"{row['created_at']} {row['id']}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decoded(cursor: str | None) -> tuple[int, str] | None:
    """Where the page before ended. Raises Refusal `invalid-request` for a cursor that is not ours."""
    if not cursor:
        return None
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_at, document = place.split(" ")
        if not ids.is_id(document) or not 0 <= int(created_at) < LATEST:
            raise ValueError
        return int(created_at), document
    except (binascii.Error, ValueError):
        fault = Fault("/cursor", "invalid", "the next_cursor of the page before, unchanged")
        raise Refusal("invalid-request", (fault,)) from None
