"""How topics and replies are shown."""

from typing import Any

from services.cop.discussions.rules import MAX_EDITS
from services.cop.groups.access import Access
from services.cop.groups.views import moment
from shared.contracts import clock


def topic_view(row: Any, access: Access, *, whole: bool = True) -> dict[str, Any]:
    """`TopicView` of the contract; in lists, not `whole`, without its body."""
    may = _may(row, access)
    if access.writes and row.deleted_at is None:
        may.append("reply")
    return {
        "id": row.id,
        "version": row.version,
        "group": row.group,
        "author": row.author,
        "title": row.title,
        "body": row.body if whole else "",
        "language": row.language,
        "category": row.category,
        "reply_count": row.reply_count,
        "may": may,
        **_times(row),
        "active_at": clock.to_text(row.active_at),
    }


def reply_view(row: Any, access: Access) -> dict[str, Any]:
    """`ReplyView` of the contract."""
    return {
        "id": row.id,
        "version": row.version,
        "topic": row.topic,
        "number": row.number,
        "author": row.author,
        "body": row.body,
        "language": row.language,
        "may": _may(row, access),
        **_times(row),
    }


def revision_view(row: Any) -> dict[str, Any]:
    """`RevisionView` of the contract."""
    return {
        "version": row.version,
        "title": row.title,
        "body": row.body,
        "replaced_at": clock.to_text(row.replaced_at),
    }


def _times(row: Any) -> dict[str, Any]:
    return {
        "created_at": clock.to_text(row.created_at),
        "edited_at": moment(row.edited_at),
        "deleted_at": moment(row.deleted_at),
    }


def _may(row: Any, access: Access) -> list[str]:
    """What the caller may do with it now: edit, delete."""
    if row.deleted_at is not None or access.closed:
        return []
    own = row.author == access.caller.subject and access.writes
    found = ["edit"] if own and row.version <= MAX_EDITS else []
    return [*found, "delete"] if own or access.leads else found
