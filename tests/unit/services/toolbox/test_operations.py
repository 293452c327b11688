"""Documents in their database and store: events, tombstones, what a full disk and a race leave behind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from services.toolbox.documents import operations, queries
from services.toolbox.documents.tables import documents, outbox, versions
from services.toolbox.resources import Resources
from shared.auth.grants import Grant, Granter, read_grant
from shared.auth.principal import MEMBER, OPERATOR, Principal
from shared.auth.tokens import TrustedIssuer
from shared.blobs.disk import DiskBlobs
from shared.blobs.store import BlobMissing, StorageFull
from shared.contracts import clock, ids
from shared.contracts.errors import Refusal
from shared.contracts.toolbox import AddDocument, AddVersion, GrantDownload
from shared.db import migrations
from shared.db.engine import Database
from shared.messaging.service import Request
from tests.support import samples

KEY = Ed25519PrivateKey.generate()
OWNER = Principal(ids.new_id(), frozenset({MEMBER}), 0)
OPERATING = Principal(ids.new_id(), frozenset({OPERATOR}), 0)


class _FullDisk(DiskBlobs):
    def commit(self, staged: str, key: str) -> None:
        raise StorageFull


@pytest.fixture
def toolbox(tmp_path: Path) -> Iterator[Resources]:
    database = Database(f"sqlite:///{tmp_path}/toolbox.sqlite3")
    migrations.upgrade("services/toolbox", database)
    resources = Resources(database, DiskBlobs(tmp_path / "blobs", keep_free_bytes=0), Granter("toolbox", KEY))
    yield resources
    resources.close()


def _request(arguments: dict[str, Any], caller: Principal | None = OWNER) -> Request:
    return Request(arguments, caller, clock.deadline(5))


def _staged(toolbox: Resources, content: bytes) -> dict[str, Any]:
    staging = toolbox.blobs.begin(10**6)
    staging.write(content)
    staged = staging.finish()
    return {"staged": staged.key, "size": staged.size, "sha256": staged.sha256, "file_name": "a.pdf"}


def _add(toolbox: Resources, caller: Principal = OWNER, **more: Any) -> Any:
    arguments = AddDocument().load({**_staged(toolbox, samples.pdf()), **more})
    return operations.add_document(toolbox, _request(arguments, caller))


def _version(toolbox: Resources, document: str, content: bytes, caller: Principal = OWNER) -> Any:
    arguments = AddVersion().load({**_staged(toolbox, content), "document": document})
    return operations.add_version(toolbox, _request(arguments, caller))


def _rows(toolbox: Resources, table: Any) -> list[Any]:
    with toolbox.database.read() as connection:
        return list(connection.execute(select(table)))


def _files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


def test_events_tell_ids_and_versions_and_no_words(toolbox: Resources) -> None:
    document = _add(toolbox, title="A secret title")["id"]
    _version(toolbox, document, samples.pdf("2"), OPERATING)
    operations.delete_document(toolbox, _request({"id": document}))
    operations.delete_document(toolbox, _request({"id": document}))
    told = [json.loads(row.body) for row in _rows(toolbox, outbox)]
    assert [event["type"].rsplit(".", 2)[1] for event in told] == ["added", "version-added", "deleted"]
    assert [event["data"] for event in told] == [{"id": document, "version": n} for n in (1, 2, 2)]
    assert [row.routing_key for row in _rows(toolbox, outbox)][1] == "document.version-added.v1"


def test_a_full_disk_at_the_last_step_leaves_no_row_no_event_and_the_staged_file(
    toolbox: Resources, tmp_path: Path
) -> None:
    full = Resources(toolbox.database, _FullDisk(tmp_path / "blobs", keep_free_bytes=0), toolbox.granter)
    with pytest.raises(Refusal, match="storage-full"):
        _add(full)
    assert [_rows(toolbox, table) for table in (documents, versions, outbox)] == [[], [], []]
    [staged] = _files(tmp_path)
    assert staged.parent.name == "staging"


@pytest.mark.parametrize(
    "wrong", [{"size": 3}, {"sha256": "0" * 64}, {"staged": "0" * 32}], ids=["size", "hash", "nothing staged"]
)
def test_what_did_not_arrive_as_it_was_told_is_refused(toolbox: Resources, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="incomplete-upload"):
        _add(toolbox, **wrong)
    assert _rows(toolbox, documents) == []


def test_files_of_deleted_documents_are_removed_once_and_the_others_stay(
    toolbox: Resources, tmp_path: Path
) -> None:
    gone, kept = _add(toolbox)["id"], _add(toolbox)["id"]
    _version(toolbox, gone, samples.pdf("2"))
    operations.delete_document(toolbox, _request({"id": gone}))
    assert operations.remove_files(toolbox) is False
    assert [path.name for path in _files(tmp_path)] == [kept]
    removed = {row.document: row.file_removed_at for row in _rows(toolbox, versions)}
    assert removed[kept] is None
    assert removed[gone] is not None
    operations.remove_files(toolbox)
    assert {row.document: row.file_removed_at for row in _rows(toolbox, versions)} == removed


def test_an_id_of_somebody_else_is_neither_told_nor_replaced(toolbox: Resources) -> None:
    document = ids.new_id()
    _add(toolbox, id=document)
    other = Principal(ids.new_id(), frozenset({MEMBER}), 0)
    with pytest.raises(Refusal, match="id-reused"):
        _add(toolbox, caller=other, id=document)
    with toolbox.blobs.open(document) as file:
        assert file.read() == samples.pdf()


def test_a_repeated_request_takes_over_what_a_crash_left(toolbox: Resources) -> None:
    document = ids.new_id()
    toolbox.blobs.commit(_staged(toolbox, samples.pdf("before the crash"))["staged"], document)
    assert _add(toolbox, id=document)["replayed"] is False
    with toolbox.blobs.open(document) as file:
        assert file.read() == samples.pdf()


def test_versions_have_a_limit(toolbox: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_VERSIONS", 2)
    document = _add(toolbox)["id"]
    _version(toolbox, document, samples.pdf("2"))
    with pytest.raises(Refusal, match="too-many-versions"):
        _version(toolbox, document, samples.pdf("3"))


def test_only_members_add_documents(toolbox: Resources) -> None:
    with pytest.raises(Refusal, match="not-permitted"):
        _add(toolbox, caller=Principal("service", frozenset({"journal-reader"}), 0))


def test_a_grant_names_the_file_and_how_it_is_handed_over(toolbox: Resources) -> None:
    document = _add(toolbox)["id"]
    answer = queries.grant_download(toolbox, _request(GrantDownload().load({"id": document})))
    trusted = {"toolbox": TrustedIssuer(KEY.public_key(), frozenset())}
    grant = read_grant(answer["grant"], "toolbox", trusted)
    assert (grant.blob, grant.disposition, grant.media_type) == (document, "attachment", "application/pdf")
    assert grant.size == len(samples.pdf())


def test_a_grant_ends_and_another_issuer_s_is_none() -> None:
    trusted = {"toolbox": TrustedIssuer(KEY.public_key(), frozenset())}
    over = Granter("toolbox", KEY).sign(Grant("x", "a", "b", 1), lifetime_seconds=-1)
    with pytest.raises(Refusal, match="grant-expired"):
        read_grant(over, "toolbox", trusted)
    forged = Granter("toolbox", Ed25519PrivateKey.generate()).sign(Grant("x", "a", "b", 1))
    for text in (forged, "", "a.b.c", over[:-9] + "AAAAAAAAA"):
        with pytest.raises(Refusal, match="not-found"):
            read_grant(text, "toolbox", trusted)


def test_clearing_up_forgets_old_uploads_alone(toolbox: Resources) -> None:
    staged = _staged(toolbox, b"x")["staged"]
    operations.forget_staged(toolbox)
    toolbox.blobs.open_staged(staged).close()
    toolbox.blobs.discard(staged)
    with pytest.raises(BlobMissing):
        toolbox.blobs.open_staged(staged)
