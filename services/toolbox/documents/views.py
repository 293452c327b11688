"""Documents as they are shown."""

from collections.abc import Mapping
from typing import Any

from services.toolbox.documents import rules
from shared.auth.principal import Principal
from shared.contracts import clock


def document_view(
    document: Mapping[str, Any], latest: Mapping[str, Any], caller: Principal | None
) -> dict[str, Any]:
    """A document with its newest version, as this caller sees it."""
    return {
        "id": document["id"],
        "title": document["title"],
        "description": document["description"],
        "tags": document["tags"].split("\n") if document["tags"] else [],
        "language": document["language"],
        "access": document["access"],
        "owner": document["owner"],
        "created_at": clock.to_text(document["created_at"]),
        "updated_at": clock.to_text(document["updated_at"]),
        "latest": version_view(latest),
        "may_change": rules.may_change(caller, document["owner"]),
    }


def version_view(version: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": version["number"],
        "parent": version["parent"],
        "file_name": version["file_name"],
        "media_type": version["media_type"],
        "size": version["size"],
        "sha256": version["sha256"].hex(),
        "note": version["note"],
        "created_by": version["created_by"],
        "created_at": clock.to_text(version["created_at"]),
    }
