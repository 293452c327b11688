"""The store of files on a disk: what is staged, kept, refused and cleared up."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from shared.blobs.disk import DiskBlobs
from shared.blobs.store import BlobMissing, Staged, StorageFull, TooLarge
from shared.contracts import ids

LIMIT = 1000


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path, keep_free_bytes=0)


def _stage(blobs: DiskBlobs, content: bytes) -> Staged:
    staging = blobs.begin(LIMIT)
    for place in range(0, len(content), 7):
        staging.write(content[place : place + 7])
    return staging.finish()


def _content(file: BinaryIO) -> bytes:
    with file:
        return file.read()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_staged_file_is_kept_under_its_key_and_removed(blobs: DiskBlobs, tmp_path: Path) -> None:
    content, key = os.urandom(LIMIT), ids.new_id()
    staged = _stage(blobs, content)
    assert (staged.size, staged.sha256) == (LIMIT, hashlib.sha256(content).hexdigest())
    with blobs.open_staged(staged.key) as file:
        assert file.read() == content
    blobs.commit(staged.key, key)
    with blobs.open(key) as file:
        assert file.read() == content
    with pytest.raises(BlobMissing):
        blobs.open_staged(staged.key)
    blobs.remove(key)
    blobs.remove(key)
    with pytest.raises(BlobMissing):
        blobs.open(key)
    assert _files(tmp_path) == []


def test_an_empty_file_is_a_file(blobs: DiskBlobs) -> None:
    staged = _stage(blobs, b"")
    blobs.commit(staged.key, "empty-file")
    assert _content(blobs.open("empty-file")) == b""


def test_committing_again_replaces_the_file_whole(blobs: DiskBlobs) -> None:
    for content in (b"a longer one", b"short"):
        blobs.commit(_stage(blobs, content).key, "the-same-key")
    assert _content(blobs.open("the-same-key")) == b"short"


def test_a_file_beyond_its_limit_leaves_nothing(blobs: DiskBlobs, tmp_path: Path) -> None:
    staging = blobs.begin(LIMIT)
    staging.write(b"x" * LIMIT)
    with pytest.raises(TooLarge):
        staging.write(b"x")
    assert _files(tmp_path) == []
    staging.abort()


def test_what_is_dropped_is_gone(blobs: DiskBlobs, tmp_path: Path) -> None:
    blobs.begin(LIMIT).abort()
    blobs.discard(_stage(blobs, b"x").key)
    assert _files(tmp_path) == []
    with pytest.raises(BlobMissing):
        blobs.commit("0" * 32, "some-key-of-ours")


@pytest.mark.parametrize(
    "key", ["../outside", "", "a/b/c/d/e", "x" * 100, "UPPER-CASE", "/etc/passwd", "..", "a\0bcdefgh"]
)
def test_a_key_never_leads_out_of_the_folder(blobs: DiskBlobs, key: str) -> None:
    staged = _stage(blobs, b"x")
    for reach in (blobs.open, blobs.open_staged, blobs.remove, blobs.discard):
        with pytest.raises(BlobMissing):
            reach(key)
    with pytest.raises(BlobMissing):
        blobs.commit(staged.key, key)


def test_a_link_in_the_folder_is_not_followed(blobs: DiskBlobs, tmp_path: Path) -> None:
    staged = _stage(blobs, b"x")
    path = tmp_path / "staging" / staged.key
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        blobs.open_staged(staged.key)


def test_uploads_leave_room_for_others(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    with pytest.raises(StorageFull):
        DiskBlobs(tmp_path, keep_free_bytes=disk.f_blocks * disk.f_frsize).begin(LIMIT)
    assert _files(tmp_path) == []


FULL = """
import resource, sys
from pathlib import Path
from shared.blobs.disk import DiskBlobs
from shared.blobs.store import StorageFull
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
staging = DiskBlobs(Path(sys.argv[1]), keep_free_bytes=0).begin(10**6)
try:
    for _ in range(10):
        staging.write(b"x" * 999)
except StorageFull:
    print("full")
"""


def test_a_disk_that_fills_up_in_the_middle_is_one_clear_refusal(tmp_path: Path) -> None:
    """The kernel itself refuses to write on, in a process that may not make files larger than 5,000 bytes."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "full\n"
    assert _files(tmp_path) == []


def test_uploads_that_stopped_are_cleared_away_and_the_others_stay(blobs: DiskBlobs, tmp_path: Path) -> None:
    old, new = _stage(blobs, b"old"), _stage(blobs, b"new")
    blobs.commit(_stage(blobs, b"kept").key, "kept-for-good")
    for path in (tmp_path / "staging" / old.key, *(tmp_path / "kept").rglob("kept-*")):
        os.utime(path, (0, 0))
    assert blobs.forget_staged(3600) == 1
    assert _content(blobs.open_staged(new.key)) == b"new"
    assert _content(blobs.open("kept-for-good")) == b"kept"
    assert DiskBlobs(tmp_path / "nothing-here-yet").forget_staged(0) == 0
