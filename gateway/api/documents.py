"""Documents with versions."""

from collections.abc import Callable
from typing import Any

from flask import Response, redirect
from werkzeug.wrappers import Response as BaseResponse

from gateway.api.answers import FILE_ENDPOINTS, FORM_ENDPOINTS, blueprint, idempotency_key
from gateway.api.answers import json as json_answer
from gateway.api.schemas import DocumentListView, DocumentsQuery, DownloadQuery
from gateway.asking import ask, ask_as_reader, not_after, signed_in
from gateway.uploads import FIELD, FORM, received
from gateway.wiring import public_url
from shared.contracts import clock, ids, toolbox
from shared.contracts.errors import Refusal

SETTLED_SECONDS = 60

part = blueprint("documents", "Documents with versions. A file is taken in by a form of several parts.")
FORM_ENDPOINTS |= {"documents.add_document", "documents.add_version"}
FILE_ENDPOINTS.add("documents.get_content")


def _form(schema: str) -> dict[str, Any]:
    """What a form of several parts holds, for the description: the file, and the fields of a schema."""
    file = {
        "type": "object",
        "required": [FIELD],
        "properties": {FIELD: {"type": "string", "format": "binary"}},
    }
    content = {"schema": {"allOf": [file, {"$ref": f"#/components/schemas/{schema}"}]}}
    return {"required": True, "content": {FORM: content}}


@part.route("/documents", methods=["GET"])
@part.arguments(DocumentsQuery, location="query")
@part.response(200, DocumentListView)
@part.doc(summary="List documents", security=[{"session": []}, {}])
def list_documents(query: dict[str, Any]) -> Response:
    """Newest first. `q`: every word of it occurs in the title, description, tags or file's name, whatever its
    case and accents. Who is not signed in sees public documents.
    """
    answer = ask_as_reader(toolbox.SERVICE, "list_documents", text=query.pop("q", ""), **query)
    return json_answer(answer)


@part.route("/documents", methods=["POST"])
@part.response(201, toolbox.DocumentView)
@part.doc(summary="Add a document", requestBody=_form("DocumentInput"))
def add_document() -> Response:
    """For members. The file has at most 50 MiB and is what its name says: PDF, PNG, JPEG, GIF, WebP, docx,
    xlsx, pptx, odt, ods, odp, txt, md, csv. With an Idempotency-Key, repeating the request adds nothing
    twice.
    """
    document = _new_id("document")
    with received(toolbox.DocumentInput) as given:
        view = told(document, lambda: ask(toolbox.SERVICE, "add_document", id=document, **given))
    return _made(view)


@part.route("/documents/<id:id>", methods=["GET"])
@part.response(200, toolbox.DocumentWithVersionsView)
@part.doc(summary="Read a document", security=[{"session": []}, {}])
def get_document(id: str) -> Response:
    """What is known of a document, and all its versions, the newest first."""
    return json_answer(ask_as_reader(toolbox.SERVICE, "get_document", id=id))


@part.route("/documents/<id:id>", methods=["DELETE"])
@part.response(204)
@part.doc(summary="Delete a document")
def delete_document(id: str) -> Response:
    """For its owner and for operators. Its files are removed; its address says from then on that it was
    deleted.
    """
    ask(toolbox.SERVICE, "delete_document", id=id)
    return Response(status=204)


@part.route("/documents/<id:id>/versions", methods=["POST"])
@part.response(201, toolbox.DocumentView)
@part.doc(summary="Add a version of a document", requestBody=_form("VersionInput"))
def add_version(id: str) -> Response:
    """For its owner and for operators. As with a new document."""
    version = _new_id("version", id)
    with received(toolbox.VersionInput) as given:
        view = told(id, lambda: ask(toolbox.SERVICE, "add_version", id=version, document=id, **given))
    return _made(view)


@part.route("/documents/<id:id>/content", methods=["GET"])
@part.arguments(DownloadQuery, location="query")
@part.response(303)
@part.doc(summary="Download a document", security=[{"session": []}, {}])
def get_content(query: dict[str, Any], id: str) -> BaseResponse:
    """Leads to an address that gives the file for a minute."""
    return to_file(id, query.get("version"))


def to_file(document: str, version: int | None) -> BaseResponse:
    """The way to a version's file, for who may read the document."""
    answer = ask_as_reader(toolbox.SERVICE, "grant_download", id=document, version=version)
    return redirect(f"/files/{answer['grant']}", 303)


def told(document: str, add: Callable[[], Any]) -> dict[str, Any]:
    """What adding answers; where no answer comes, the refusal says where the outcome will stand."""
    try:
        view: dict[str, Any] = add()
        return view
    except Refusal as refusal:
        if refusal.slug == "id-reused":
            raise Refusal("idempotency-conflict") from refusal
        if refusal.slug != "outcome-unknown":
            raise
        after = clock.to_text(not_after() + SETTLED_SECONDS * clock.MICROSECONDS)
        address = f"{public_url()}/api/v1/documents/{document}"
        raise Refusal("outcome-unknown", address=address, after=after) from refusal


def _new_id(*kind: str) -> str:
    # Whoever is not signed in is refused before anything of the body is taken in.
    person, key = signed_in(), idempotency_key()
    return ids.new_id() if key is None else ids.derived_id(*kind, person.id, key)


def _made(view: dict[str, Any]) -> Response:
    replayed = view.pop("replayed")
    answer = json_answer(view, 200 if replayed else 201)
    answer.headers["Location"] = f"/api/v1/documents/{view['id']}"
    if replayed:
        answer.headers["Idempotency-Hit"] = "true"
    return answer
