"""Files in a folder of a disk, which the processes that use them share.

<folder>/staging/<32 hexadecimal digits>      what is arriving
<folder>/kept/<two characters>/<key>          what has been checked; the two end the key, whose
                                              beginning is a time and would fill one folder only
"""

import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared.blobs.store import BlobMissing, Staged, StorageFull, TooLarge

KEEP_FREE_BYTES = 64 * 1024 * 1024
"""What uploads leave free on the disk, so that databases beside them can go on."""
CHECK_EVERY_BYTES = 4 * 1024 * 1024
"""How much may arrive between two looks at what is free."""

_STAGING_KEY = re.compile(r"[0-9a-f]{32}")
_KEPT_KEY = re.compile(r"[0-9a-z][0-9a-z-]{7,63}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskBlobs:
    """The store in a folder, which is made where it is missing."""

    def __init__(self, folder: Path, *, keep_free_bytes: int = KEEP_FREE_BYTES) -> None:
        self._staging = folder / "staging"
        self._kept = folder / "kept"
        self._keep_free_bytes = keep_free_bytes

    def begin(self, limit_bytes: int) -> "DiskStaging":
        with _telling_full():
            self._staging.mkdir(parents=True, exist_ok=True)
            return DiskStaging(self._staging, limit_bytes, self._keep_free_bytes)

    def open_staged(self, key: str) -> BinaryIO:
        return _open(self._staged_path(key))

    def commit(self, staged: str, key: str) -> None:
        source, target = self._staged_path(staged), self._kept_path(key)
        with _telling_full():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                # The bytes are on the disk since `finish`: only the name is still to be made lasting.
                os.replace(source, target)
            except FileNotFoundError as error:
                raise BlobMissing(staged) from error
            for folder in (target.parent, self._kept):
                _sync_folder(folder)

    def discard(self, staged: str) -> None:
        self._staged_path(staged).unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        return _open(self._kept_path(key))

    def remove(self, key: str) -> None:
        self._kept_path(key).unlink(missing_ok=True)

    def kept(self) -> Iterator[str]:
        for path in self._kept.glob("*/*"):
            yield path.name

    def forget_staged(self, older_than_seconds: float) -> int:
        before, forgotten = time.time() - older_than_seconds, 0
        with suppress(FileNotFoundError), os.scandir(self._staging) as entries:
            for entry in entries:
                # Whoever staged it may drop it at the same moment.
                with suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < before:
                        os.unlink(entry.path)
                        forgotten += 1
        return forgotten

    def _staged_path(self, key: str) -> Path:
        # A key that could be a path would lead out of the folder.
        if not _STAGING_KEY.fullmatch(key):
            raise BlobMissing(key)
        return self._staging / key

    def _kept_path(self, key: str) -> Path:
        if not _KEPT_KEY.fullmatch(key):
            raise BlobMissing(key)
        return self._kept / key[-2:].replace("-", "_") / key


class DiskStaging:
    """A file that is arriving in the staging folder."""

    def __init__(self, folder: Path, limit_bytes: int, keep_free_bytes: int) -> None:
        self.key = secrets.token_hex(16)
        self._path = folder / self.key
        self._limit_bytes = limit_bytes
        self._keep_free_bytes = keep_free_bytes
        self._size = self._checked = 0
        self._hash = hashlib.sha256()
        self._check_room()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, piece: bytes) -> int:
        with self._dropping_at_a_fault():
            if self._size + len(piece) > self._limit_bytes:
                raise TooLarge
            if self._size - self._checked >= CHECK_EVERY_BYTES:
                self._check_room()
            left = memoryview(piece)
            while left:
                # A disk that fills up in the middle takes a part of it.
                left = left[self._file.write(left) :]
            self._size += len(piece)
            self._hash.update(piece)
        return len(piece)

    def finish(self) -> Staged:
        with self._dropping_at_a_fault():
            os.fsync(self._file.fileno())
            self._file.close()
        return Staged(self.key, self._size, self._hash.hexdigest())

    def abort(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self._keep_free_bytes:
            raise StorageFull
        self._checked = self._size

    @contextmanager
    def _dropping_at_a_fault(self) -> Iterator[None]:
        try:
            with _telling_full():
                yield
        except BaseException:
            self.abort()
            raise


@contextmanager
def _telling_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise


def _open(path: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    except FileNotFoundError as error:
        raise BlobMissing(path.name) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
