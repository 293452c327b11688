"""What a store of files promises, whatever it lies on.

    staged by who takes the file in            kept by who has checked it
    begin() -> write ... finish() -> Staged -> commit(staging key, key) -> open(key) ... remove(key)

A staged file belongs to nobody yet: whoever staged it discards it where it comes to nothing, and
`forget_staged` clears away what a crash left. A kept file never changes. Its key is its maker's, of small
letters, digits and hyphens; committing again under the same key replaces the file whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

PIECE_BYTES = 64 * 1024
"""Files are read and sent on in pieces of this size."""


class StorageFull(Exception):
    """There is no room; nothing was stored."""


class TooLarge(Exception):
    """A file goes beyond its limit; nothing was stored."""


class BlobMissing(Exception):
    """No file has this key."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that has arrived whole. `sha256` is in hexadecimal, `size` in bytes."""

    key: str
    size: int
    sha256: str


class Staging(Protocol):
    """A file that is arriving. End it by `finish` or `abort`."""

    key: str

    def write(self, piece: bytes) -> int:
        """Take the next piece whole. Raises TooLarge or StorageFull; the file is gone then."""
        ...

    def finish(self) -> Staged:
        """The file is complete and on the disk. Raises StorageFull; the file is gone then."""
        ...

    def abort(self) -> None:
        """Drop what has arrived; nothing happens where the file was finished or dropped before."""
        ...


class BlobStore(Protocol):
    """A store of files. Safe to use from many threads and processes."""

    def begin(self, limit_bytes: int) -> Staging:
        """Take a file in, of at most so many bytes. Raises StorageFull."""
        ...

    def open_staged(self, key: str) -> BinaryIO:
        """A staged file, to be read. Raises BlobMissing."""
        ...

    def commit(self, staged: str, key: str) -> None:
        """Keep a staged file under a key: all of it or nothing, also in a power cut. Raises BlobMissing or
        StorageFull.
        """
        ...

    def discard(self, staged: str) -> None:
        """Drop a staged file, if there is one."""
        ...

    def open(self, key: str) -> BinaryIO:
        """A kept file, to be read. Raises BlobMissing."""
        ...

    def remove(self, key: str) -> None:
        """Drop a kept file, if there is one."""
        ...

    def kept(self) -> Iterator[str]:
        """The keys of all kept files, in no order."""
        ...

    def forget_staged(self, older_than_seconds: float) -> int:
        """Drop staged files that nothing was written to for so long; how many there were."""
        ...
