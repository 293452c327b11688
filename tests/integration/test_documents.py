"""Documents through the API: taken in, checked, found, read, versioned, handed over, deleted."""

import hashlib
import os
import re
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.contracts.toolbox import MAX_FILE_BYTES
from tests.support import samples
from tests.support.api import Api, Town
from tests.support.deployment import Deployment
from tests.support.waiting import wait_until


@pytest.fixture
def member(town: Town) -> Api:
    return town.neighbour()


@pytest.fixture
def nobody(town: Town) -> Api:
    return Api(town.operator.base_url)


@pytest.fixture
def store(deployment: Deployment) -> Path:
    """The folder of files."""
    apart = deployment.folder / "blobs"
    return apart if apart.exists() else deployment.data / "blobs"


def _form(content: bytes, name: str, claimed: str = "", **fields: Any) -> dict[str, Any]:
    return {"files": {"file": (name, content, claimed or None)}, "data": fields}


def _add(api: Api, content: bytes, name: str, **fields: Any) -> dict[str, Any]:
    view: dict[str, Any] = api.expect(201, "POST", "/documents", **_form(content, name, **fields))
    return view


def _download(api: Api, document: str, **parameters: Any) -> requests.Response:
    answer = api.request("GET", f"/documents/{document}/content", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer


def _staged(store: Path) -> list[Path]:
    return list((store / "staging").glob("*"))


def test_every_kind_of_file_comes_back_as_it_was_sent(member: Api) -> None:
    for ending, content in samples.every_kind().items():
        _comes_back(member, ending, content)


def _comes_back(member: Api, ending: str, content: bytes) -> None:
    view = _add(member, content, f"report.{ending}")
    assert view["title"] == "report"
    assert view["latest"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert view["latest"]["size"] == len(content)
    got = _download(member, view["id"])
    assert got.content == content
    assert got.headers["Content-Type"].split(";")[0] == view["latest"]["media_type"]
    assert got.headers["Content-Disposition"].startswith(f'attachment; filename="report.{ending}"')
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]


def test_what_is_said_of_a_document_is_kept_and_listed_newest_first(member: Api) -> None:
    fields = {
        "title": "  Guide\u202e to care ",
        "description": "For\r\nneighbours",
        "tags": "care, Care,حي",
        "language": "ar",
        "note": "first",
    }
    view = _add(member, samples.pdf(), "a.pdf", **fields)
    assert (view["title"], view["description"]) == ("Guide to care", "For\nneighbours")
    assert (view["tags"], view["language"], view["access"]) == (["care", "حي"], "ar", "signed-in")
    assert (view["owner"], view["may_change"]) == (member.person["id"], True)
    second = _add(member, samples.pdf(), "b.pdf")
    page = member.get("/documents", params={"limit": 1})
    assert page["data"] == [second]
    page = member.get("/documents", params={"limit": 1, "cursor": page["next_cursor"]})
    assert page["data"] == [view]
    member.refused("invalid-request", "GET", "/documents", params={"cursor": "nonsense"})


def test_documents_are_found_by_their_words_whatever_their_accents(member: Api) -> None:
    word = secrets.token_hex(4)
    first = _add(member, samples.pdf(), "a.pdf", title=f"Économie {word}", tags="تعاونيّة", description="Ada")
    second = _add(member, b"hello", f"{word}-ΔΉΜΟΣ.txt")
    found = [
        [each["id"] for each in member.get("/documents", params={"q": text})["data"]]
        for text in (
            word,
            f"ECONOMIE {word}",
            f"تعاونيه {word}",
            f"{word} δημος",
            f"{word} 100%",
            f"_ {word}x",
        )
    ]
    assert found == [[second["id"], first["id"]], [first["id"]], [first["id"]], [second["id"]], [], []]


def test_versions_follow_one_another_and_each_can_be_had(member: Api, town: Town) -> None:
    document = _add(member, b"one", "notes.txt", title="Notes")["id"]
    path = f"/documents/{document}/versions"
    view = member.expect(201, "POST", path, **_form(b"two", "notes.md", note="clearer"))
    assert (view["latest"]["number"], view["latest"]["parent"]) == (2, 1)
    town.operator.expect(201, "POST", path, **_form(b"three", "notes.txt"))
    versions = member.get(f"/documents/{document}")["versions"]
    assert [each["number"] for each in versions] == [3, 2, 1]
    assert [each["parent"] for each in versions] == [2, 1, None]
    assert [each["created_by"] for each in versions] == [
        town.operator.person["id"],
        *[member.person["id"]] * 2,
    ]
    assert versions[1]["note"] == "clearer"
    got = [_download(member, document, version=number).content for number in (1, 2, 3)]
    assert got == [b"one", b"two", b"three"]
    assert _download(member, document).content == b"three"
    member.refused("not-found", "GET", f"/documents/{document}/content", params={"version": 4})
    stranger = town.neighbour(1)
    stranger.refused("not-permitted", "POST", path, **_form(b"mine", "notes.txt"))
    stranger.refused("not-permitted", "DELETE", f"/documents/{document}")


def test_who_is_not_signed_in_reads_public_documents_alone(member: Api, nobody: Api) -> None:
    public = _add(member, b"for all", "a.txt", access="public")["id"]
    inner = _add(member, b"for us", "b.txt")["id"]
    assert nobody.get(f"/documents/{public}")["may_change"] is False
    assert _download(nobody, public).content == b"for all"
    listed = {each["id"] for each in nobody.get("/documents", params={"limit": 200})["data"]}
    assert public in listed
    assert inner not in listed
    nobody.refused("not-found", "GET", f"/documents/{inner}")
    nobody.refused("not-found", "GET", f"/documents/{inner}/content")
    nobody.refused("not-signed-in", "POST", "/documents", **_form(b"x", "a.txt"))
    nobody.refused("not-signed-in", "DELETE", f"/documents/{public}")
    nobody.http.headers["Authorization"] = "Bearer a-session-that-has-ended"
    nobody.refused("not-signed-in", "GET", f"/documents/{public}")


def test_a_deleted_document_leaves_a_tombstone_and_no_file(member: Api, store: Path) -> None:
    before = set(store.glob("kept/*/*"))
    document = _add(member, samples.pdf(), "a.pdf", access="public")["id"]
    member.expect(201, "POST", f"/documents/{document}/versions", **_form(samples.pdf("2"), "a.pdf"))
    files = set(store.glob("kept/*/*")) - before
    assert len(files) == 2
    grant = member.request("GET", f"/documents/{document}/content", allow_redirects=False).headers["Location"]
    member.expect(204, "DELETE", f"/documents/{document}")
    member.expect(204, "DELETE", f"/documents/{document}")
    problem = member.refused("document-deleted", "GET", f"/documents/{document}")
    assert problem["status"] == 410
    member.refused("document-deleted", "GET", f"/documents/{document}/content")
    member.refused("document-deleted", "POST", f"/documents/{document}/versions", **_form(b"x", "a.txt"))
    assert document not in [each["id"] for each in member.get("/documents")["data"]]
    wait_until(lambda: not any(file.exists() for file in files), 20, "both files to be removed")
    late = requests.get(member.base_url + grant, timeout=10, headers={"Accept": "application/json"})
    assert (late.status_code, late.json()["type"].rsplit("/", 1)[1]) == (410, "grant-expired")


def test_a_grant_is_for_one_file_and_cannot_be_made_up(member: Api) -> None:
    document = _add(member, b"mine", "a.txt")["id"]
    answer = member.request("GET", f"/documents/{document}/content", allow_redirects=False)
    address = answer.headers["Location"]
    assert answer.status_code == 303
    assert re.fullmatch(r"/files/[\w.-]+", address)
    # It needs no session: whoever has it may fetch the file, for a minute.
    assert requests.get(member.base_url + address, timeout=10).content == b"mine"
    head, body, signature = address.split(".")
    session = str(member.http.headers["Authorization"]).split()[1]
    for forged in (
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body[:-4]}AAAA.{signature}",
        f"/files/{session}",
    ):
        assert requests.get(member.base_url + forged, timeout=10).status_code == 404


NAMES = {
    "../../../etc/cron.d/evil.txt": "evil.txt",
    "in\u202efdp.txt": "infdp.txt",
    "خطة الحي.txt": "خطة الحي.txt",
    "x" * 4000 + ".txt": "x" * 251 + ".txt",
    'quo"te;\\.txt': "quo_te;.txt",
}


def test_names_are_kept_as_far_as_they_are_fit(member: Api, deployment: Deployment) -> None:
    for name, kept in NAMES.items():
        view = _add(member, b"content", name)
        assert view["latest"]["file_name"] == kept
        assert _download(member, view["id"]).content == b"content"
    assert not list(deployment.folder.rglob("*evil*"))


LIES = (
    (b"", "a.pdf", "", "empty-file"),
    (samples.pdf()[:-8], "a.pdf", "application/pdf", "damaged-file"),
    (samples.pdf(), "a.png", "image/png", "wrong-file-type"),
    (b"<html><script>alert(1)</script>", "a.txt", "text/plain", "unsupported-file"),
    (b"MZ" + bytes(100), "a.docx", "", "unsupported-file"),
    (samples.office("docx", {"../x": "x"}), "a.docx", "", "unsafe-file"),
)


def test_files_that_lie_are_refused_and_leave_nothing(member: Api, store: Path) -> None:
    before = member.get("/documents")
    for content, name, claimed, slug in LIES:
        problem = member.refused(slug, "POST", "/documents", **_form(content, name, claimed))
        assert name in problem["detail"]
    assert _staged(store) == []
    assert member.get("/documents") == before


def test_wrong_fields_are_named_and_leave_nothing(member: Api, store: Path) -> None:
    wrong = {
        "title": "t" * 201,
        "description": "d" * 4001,
        "tags": "t" * 41,
        "language": "<b>",
        "access": "all",
        "more": "x",
    }
    for name, value in wrong.items():
        problem = member.refused(
            "invalid-request", "POST", "/documents", **_form(b"x", "a.txt", **{name: value})
        )
        assert problem["errors"][0]["pointer"].startswith(f"/{name}")
    problem = member.refused("invalid-request", "POST", "/documents", files={"other": ("a.txt", b"x")})
    assert problem["errors"][0]["pointer"] == "/file"
    two = [("file", ("a.txt", b"x")), ("file", ("b.txt", b"y"))]
    member.refused("invalid-request", "POST", "/documents", files=two)
    member.refused("unsupported-media-type", "POST", "/documents", json={"title": "x"})
    member.refused("unsupported-media-type", "POST", "/documents", data={"title": "x"})
    broken = {"Content-Type": "multipart/form-data; boundary=b"}
    member.refused("malformed-form", "POST", "/documents", data=b"--b\r\nrubbish", headers=broken)
    without = {"Content-Type": "multipart/form-data"}
    member.refused("malformed-form", "POST", "/documents", data=b"rubbish", headers=without)
    assert _staged(store) == []


def test_a_file_that_is_too_large_is_refused_while_it_arrives(member: Api, store: Path) -> None:
    content = b"a" * (MAX_FILE_BYTES + 1)
    problem = member.refused("too-large", "POST", "/documents", **_form(content, "a.txt"))
    assert str(MAX_FILE_BYTES) in problem["detail"]
    # The same without an announced length.
    boundary = {"Content-Type": "multipart/form-data; boundary=b"}
    member.refused("too-large", "POST", "/documents", data=_pieces(content), headers=boundary)
    assert _staged(store) == []


def test_a_file_as_large_as_is_allowed_comes_back(member: Api) -> None:
    content = os.urandom(1024 * 1024).hex().encode() * 25
    assert len(content) == MAX_FILE_BYTES
    view = _add(member, content, "large.txt")
    assert hashlib.sha256(_download(member, view["id"]).content).digest() == hashlib.sha256(content).digest()


def test_the_same_request_again_adds_nothing_and_another_with_its_key_is_refused(member: Api) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    form = _form(samples.pdf(), "a.pdf", title="Once")
    first = member.expect(201, "POST", "/documents", headers=headers, **form)
    again = member.request("POST", "/documents", headers=headers, **form)
    assert (again.status_code, again.headers["Idempotency-Hit"], again.json()) == (200, "true", first)
    for other in (
        _form(samples.pdf("2"), "a.pdf", title="Once"),
        _form(samples.pdf(), "a.pdf", title="Twice"),
    ):
        member.refused("idempotency-conflict", "POST", "/documents", headers=headers, **other)
    path = f"/documents/{first['id']}/versions"
    for status in (201, 200):
        view = member.expect(status, "POST", path, headers=headers, **_form(b"two", "a.txt"))
        assert view["latest"]["number"] == 2
    member.refused("idempotency-conflict", "POST", path, headers=headers, **_form(b"three", "a.txt"))


def test_the_same_file_at_the_same_moment(member: Api, store: Path) -> None:
    """Without a key each is a document of its own, with a file of its own; with one key they are one."""
    content, together = samples.pdf(secrets.token_hex(8)), threading.Barrier(4)

    def send(key: str) -> dict[str, Any]:
        together.wait(10)
        headers = {"Idempotency-Key": key} if key else {}
        answer = requests.post(
            f"{member.base_url}/api/v1/documents",
            headers={**headers, "Authorization": str(member.http.headers["Authorization"])},
            timeout=30,
            **_form(content, "a.pdf"),
        )
        assert answer.status_code in (200, 201), answer.text
        view: dict[str, Any] = answer.json()
        return view

    with ThreadPoolExecutor(4) as threads:
        apart = list(threads.map(send, [""] * 4))
        as_one = list(threads.map(send, [secrets.token_hex(8)] * 4))
    assert len({view["id"] for view in apart}) == 4
    assert len({view["latest"]["sha256"] for view in apart + as_one}) == 1
    assert len({view["id"] for view in as_one}) == 1
    for view in (*apart, as_one[0]):
        assert _download(member, view["id"]).content == content
    member.expect(204, "DELETE", f"/documents/{apart[0]['id']}")
    wait_until(lambda: not list(store.glob(f"kept/*/{apart[0]['id']}")), 20, "one file to be removed")
    assert _download(member, apart[1]["id"]).content == content
    assert _staged(store) == []


def _pieces(content: bytes) -> Iterator[bytes]:
    """A form whose length nobody announces."""
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    for place in range(0, len(content), 1024 * 1024):
        yield content[place : place + 1024 * 1024]
    yield b"\r\n--b--\r\n"
