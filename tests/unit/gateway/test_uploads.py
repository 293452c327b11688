"""Files on their way through the gateway: a full disk, a refusal, an answer that does not come."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.wiring import NAME
from shared.blobs.disk import DiskBlobs
from shared.contracts import ids
from shared.contracts.errors import Refusal
from tests.unit.gateway.canned import CannedClient

ADD = "/api/v1/documents"


@pytest.fixture
def store(app: Flask, door: FlaskClient, tmp_path: Path) -> Path:
    _use(app, DiskBlobs(tmp_path, keep_free_bytes=0))
    return tmp_path


def _use(app: Flask, blobs: DiskBlobs) -> None:
    app.extensions[NAME] = replace(app.extensions[NAME], blobs=blobs)


def _send(door: FlaskClient, headers: dict[str, str], **fields: Any) -> Any:
    body = {"file": (io.BytesIO(b"hello"), "a.txt"), **fields}
    return door.post(ADD, data=body, headers=headers, content_type="multipart/form-data")


def _staged(store: Path) -> int:
    return sum(1 for path in store.rglob("*") if path.is_file())


def test_a_full_disk_is_one_clear_refusal(
    app: Flask, door: FlaskClient, services: CannedClient, bearer: dict[str, str], store: Path
) -> None:
    _use(app, DiskBlobs(store, keep_free_bytes=2**62))
    answer = _send(door, bearer)
    assert answer.status_code == 507
    assert answer.get_json()["type"].endswith("/problems/storage-full")
    assert services.count("toolbox.add_document") == 0
    assert _staged(store) == 0


def test_the_service_is_told_of_the_file_and_gets_it_by_its_key(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str], store: Path
) -> None:
    seen = []

    def add(told: Any) -> dict[str, Any]:
        seen.append((store / "staging" / told["staged"]).read_bytes())
        return {"id": told["id"], "replayed": False}

    services.answers["toolbox.add_document"] = add
    answer = _send(door, bearer, title="T", tags="a, b")
    told = services.asked("toolbox.add_document")
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{ADD}/{told['id']}")
    assert (told["size"], told["file_name"], told["title"], told["tags"]) == (5, "a.txt", "T", ["a", "b"])
    assert seen == [b"hello"]
    assert _staged(store) == 0


def test_a_refused_file_is_dropped(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str], store: Path
) -> None:
    services.answers["toolbox.add_document"] = Refusal("damaged-file", name="a.txt", type="text/plain")
    assert _send(door, bearer).status_code == 422
    assert _staged(store) == 0


def test_a_file_whose_fate_is_unknown_stays_and_the_answer_says_where_to_look(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str], store: Path
) -> None:
    services.answers["toolbox.add_document"] = Refusal("outcome-unknown")
    answer = _send(door, bearer)
    asked = services.asked("toolbox.add_document")["id"]
    assert answer.status_code == 503
    assert answer.get_json()["parameters"]["address"].endswith(f"{ADD}/{asked}")
    assert _staged(store) == 1


def test_a_body_of_nobody_is_not_taken_in(door: FlaskClient, store: Path) -> None:
    assert _send(door, {}).status_code == 401
    assert list(store.iterdir()) == []


def test_a_body_that_ends_too_soon_is_incomplete(
    door: FlaskClient, bearer: dict[str, str], store: Path
) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhel'
    answer = door.post(
        ADD,
        data=body,
        headers={**bearer, "Content-Length": "5000"},
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": "5000"},
    )
    assert answer.status_code in (400, 422)
    assert answer.get_json()["type"].rsplit("/", 1)[1] in ("incomplete-upload", "malformed-form")
    assert _staged(store) == 0


def test_a_form_of_another_site_is_not_taken_in(browser: FlaskClient, store: Path) -> None:
    assert _send(browser, {"Origin": "https://elsewhere.test"}).status_code == 403
    assert list(store.iterdir()) == []


def test_the_page_tells_what_is_wrong_and_keeps_what_was_written(
    browser: FlaskClient, services: CannedClient, store: Path
) -> None:
    services.answers["toolbox.add_document"] = Refusal("empty-file", name="a.txt")
    body = {"file": (io.BytesIO(b""), "a.txt"), "title": "My <title>", "upload": ids.new_id()}
    answer = browser.post("/documents/new", data=body, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "Empty file." in answer.text
    assert "My &lt;title&gt;" in answer.text
    long = {"file": (io.BytesIO(b"x"), "a.txt"), "title": "t" * 201}
    answer = browser.post("/documents/new", data=long, content_type="multipart/form-data")
    assert (answer.status_code, "Use at most 200 characters" in answer.text) == (422, True)


def test_a_link_to_a_file_that_is_none_leads_nowhere(
    door: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.downloads.load_trusted", lambda _: {})
    assert door.get("/files/a.b.c").status_code == 404
