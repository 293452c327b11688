"""The data folder of an embedded installation: made private, and held by one process at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

UNFINISHED = "restore.unfinished"
"""The file that lies in a data folder while a restored backup takes its place there."""


class DataFolderBusy(Exception):
    """Another process holds the data folder, or a restore into it was interrupted."""


def check_finished(folder: Path) -> None:
    """Raises DataFolderBusy where a restore into a data folder was interrupted."""
    if (folder / UNFINISHED).exists():
        raise DataFolderBusy(f"a restore into {folder} was interrupted: run it again, with --replace")


class DataFolder:
    """Holds the lock of a data folder while in use: `with DataFolder(path): ...`. Raises DataFolderBusy.

    Only who restores takes a folder where that is `unfinished`.
    """

    def __init__(self, path: Path, *, unfinished: bool = False) -> None:
        self.path = path
        self._takes_unfinished = unfinished
        self._descriptor: int | None = None

    def __enter__(self) -> "DataFolder":
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise DataFolderBusy(f"the data folder {self.path} is in use by another process") from None
        if not self._takes_unfinished:
            try:
                check_finished(self.path)
            except DataFolderBusy:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None
