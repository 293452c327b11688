"""The toolbox's documents: looking, reading, adding, deleting."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, g, redirect, render_template, request
from marshmallow import ValidationError, fields
from werkzeug.wrappers import Response

from gateway import formats, i18n, problems, prose
from gateway.api.documents import to_file, told
from gateway.asking import ask, ask_as_reader, maybe_signed_in, signed_in
from gateway.i18n import gettext as _
from gateway.uploads import received
from shared.contracts import identity, ids, toolbox
from shared.contracts.errors import Refusal

LISTED = 20
MAX_QUERY = 200

KINDS: Mapping[str, str] = {
    "application/pdf": "PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
    "application/vnd.oasis.opendocument.text": "OpenDocument",
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument",
    "text/markdown": "Markdown",
    "text/csv": "CSV",
}
"""What a kind of file is called in every language; the one that is missing is plain text."""

ENDINGS = ".pdf,.png,.jpg,.jpeg,.gif,.webp,.docx,.xlsx,.pptx,.odt,.ods,.odp,.txt,.md,.markdown,.csv"
"""What the browser's chooser of files offers; the toolbox decides."""

pages = Blueprint("documents_pages", __name__)


class _UploadForm(toolbox.DocumentInput):
    """A document as the page's form sends it; `upload` makes a form that is sent twice count once."""

    upload = fields.String(load_default="")


class _VersionForm(toolbox.VersionInput):
    upload = fields.String(load_default="")


@pages.get("/documents")
def index() -> str:
    text = request.args.get("q", "").strip()[:MAX_QUERY]
    cursor = request.args.get("cursor")
    listed = ask_as_reader(toolbox.SERVICE, "list_documents", text=text, cursor=cursor, limit=LISTED)
    return render_template(
        "documents.html",
        documents=listed["data"],
        text=text,
        older=listed["next_cursor"] if listed["has_more"] else None,
        is_first=cursor is None,
        kind_of=kind_of,
    )


@pages.get("/documents/new")
def new() -> str:
    signed_in()
    return _form({}, {})


@pages.post("/documents/new")
def add() -> Response | tuple[str, int]:
    person = signed_in()
    try:
        with received(_UploadForm) as given:
            document = _id_of("document", given.pop("upload"), person.id)
            view = told(document, lambda: ask(toolbox.SERVICE, "add_document", id=document, **given))
    except (Refusal, ValidationError) as error:
        faults, status = _faults(error)
        return _form(g.get("upload_form", {}), faults), status
    return redirect(f"/documents/{view['id']}?new=1", 303)


@pages.get("/documents/<id:id>")
def show(id: str) -> str:
    return _page(id, {})


@pages.post("/documents/<id:id>/versions")
def add_version(id: str) -> Response | tuple[str, int]:
    person = signed_in()
    try:
        with received(_VersionForm) as given:
            version = _id_of("version", given.pop("upload"), person.id, id)
            told(id, lambda: ask(toolbox.SERVICE, "add_version", id=version, document=id, **given))
    except (Refusal, ValidationError) as error:
        if isinstance(error, Refusal) and error.problem.status in (403, 404, 410):
            raise
        faults, status = _faults(error)
        return _page(id, faults), status
    return redirect(f"/documents/{id}?new=1", 303)


@pages.post("/documents/<id:id>/delete")
def delete(id: str) -> Response:
    ask(toolbox.SERVICE, "delete_document", id=id)
    return redirect("/documents", 303)


@pages.get("/documents/<id:id>/content")
def content(id: str) -> Response:
    number = request.args.get("version", "")
    return to_file(id, int(number) if number.isascii() and number.isdigit() and len(number) < 4 else None)


def kind_of(version: Mapping[str, Any]) -> str:
    """What kind of file a version is, and how large: "PDF · 1.2 MB"."""
    parts: tuple[str, ...] = (
        KINDS.get(version["media_type"]) or _("Text"),
        formats.file_size(version["size"]),
    )
    if i18n.direction() == "rtl":
        # Each runs in its own direction, and they follow one another in that of the page.
        parts = tuple(f"\u2068{part}\u2069" for part in parts)
    return " · ".join(parts)


def _form(values: Mapping[str, str], faults: dict[str, str]) -> str:
    languages = [("", _("Not given")), *i18n.OWN_NAMES.items()]
    return render_template(
        "document_new.html",
        values=values,
        faults=faults,
        upload=ids.new_id(),
        language_choices=languages,
        access_levels=[
            (toolbox.SIGNED_IN, _("Everybody who is signed in")),
            (toolbox.PUBLIC, _("Everybody, also without signing in")),
        ],
        limits=toolbox,
        endings=ENDINGS,
    )


def _page(id: str, faults: dict[str, str]) -> str:
    document = ask_as_reader(toolbox.SERVICE, "get_document", id=id)
    people = [document["owner"], *(version["created_by"] for version in document["versions"])]
    return render_template(
        "document.html",
        document=document,
        names=_names(people),
        faults=faults,
        upload=ids.new_id(),
        is_new="new" in request.args,
        kind_of=kind_of,
        language_name=i18n.OWN_NAMES.get(document["language"], document["language"]),
        limits=toolbox,
        endings=ENDINGS,
        prose=prose.html,
    )


def _names(people: Iterable[str]) -> dict[str, str]:
    """The names of people, for who is signed in."""
    if maybe_signed_in() is None:
        return {}
    names: dict[str, str] = ask(identity.SERVICE, "get_names", ids=list(dict.fromkeys(people)))["names"]
    return names


def _id_of(kind: str, upload: str, *more: str) -> str:
    return ids.derived_id(kind, *more, upload) if ids.is_uuid7(upload) else ids.new_id()


def _faults(error: Refusal | ValidationError) -> tuple[dict[str, str], int]:
    """What to mend, by field, and the status of the answer."""
    if isinstance(error, ValidationError):
        return {str(name): _sentence(str(name)) for name in error.messages_dict}, 422
    if error.slug == "invalid-request":
        named = (fault.pointer.split("/")[1] if "/" in fault.pointer else "file" for fault in error.faults)
        return {name: _sentence(name) for name in named}, 422
    sentence = f"{problems.title(error.problem)}. {problems.detail(error)}"
    return {"file": sentence}, error.problem.status


def _sentence(field: str) -> str:
    longest = {
        "title": toolbox.MAX_TITLE_LENGTH,
        "description": toolbox.MAX_DESCRIPTION_LENGTH,
        "note": toolbox.MAX_NOTE_LENGTH,
    }
    if field in longest:
        return _("Use at most %(count)s characters") % {"count": formats.count(longest[field])}
    if field == "tags":
        return _("Use at most %(count)s words, each of at most %(length)s characters") % {
            "count": toolbox.MAX_TAGS,
            "length": toolbox.MAX_TAG_LENGTH,
        }
    return _("Choose one file") if field == "file" else _("Choose one of the list")
