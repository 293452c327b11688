"""A backup on the disk: a folder, or the same as one tar file. Only its owner can read it, and it has its
name only once it is whole.
"""

import os
import secrets
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from deploy.backups import manifest as manifests
from deploy.backups.manifest import PIECE_BYTES, Manifest
from deploy.refusals import CommandRefused

TAR = ".tar"


class Damaged(Exception):
    """A backup is not what it says; the message tells the first thing that is wrong."""


class Archive(Protocol):
    """A backup that is there, to be read."""

    def names(self) -> list[str]:
        """All its files."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """One of its files. Raises Damaged where there is none of this name."""
        ...


@contextmanager
def new_archive(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` when the block ends, or vanishes when it raises.

    Raises CommandRefused where `target` exists, or where there is no room.
    """
    if os.path.lexists(target):
        raise CommandRefused(f"{target} exists: a backup replaces nothing")
    if not target.parent.is_dir():
        raise CommandRefused(f"{target.parent} is no folder")
    partial = target.parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    packed = partial.with_suffix(TAR)
    try:
        partial.mkdir(mode=0o700)
        yield partial
        if target.suffix == TAR:
            _pack(partial, packed)
            os.link(packed, target)
        else:
            _sync_folders(partial)
            os.rename(partial, target)
        sync_folder(target.parent)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise CommandRefused(f"the backup {target} cannot be made: {error.strerror}{where}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        packed.unlink(missing_ok=True)


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[Archive, Manifest]]:
    """A backup and what it says of itself. Raises CommandRefused where `path` is none."""
    with ExitStack() as stack:
        archive: Archive
        if path.is_dir():
            archive = _Folder(path)
        else:
            try:
                archive = _Tar(stack.enter_context(tarfile.open(path, "r:")))
            except tarfile.TarError as error:
                raise CommandRefused(f"{path} is no backup: {error}") from error
        try:
            with archive.open(manifests.NAME) as file:
                manifest = manifests.decode(file.read())
        except (ValueError, Damaged) as error:
            raise CommandRefused(f"{path} is no backup: {error}") from error
        yield archive, manifest


def check_files(archive: Archive, manifest: Manifest) -> None:
    """See that all files are there as the manifest says, and no others. Raises Damaged."""
    found = archive.names()
    if extra := sorted(set(found) - manifest.files.keys() - {manifests.NAME}):
        raise Damaged(f"the file {extra[0]} does not belong to the backup")
    if len(found) != len(set(found)):
        raise Damaged("a file is there twice")
    check_contents(archive, manifest, manifest.files)


def check_contents(archive: Archive, manifest: Manifest, names: Iterable[str]) -> None:
    """See that these files are as the manifest says. Raises Damaged."""
    for name in names:
        with archive.open(name) as file:
            if manifests.hashed(file) != manifest.files.get(name):
                raise Damaged(f"the file {name} is not the one that was backed up")


def extract(archive: Archive, manifest: Manifest, name: str, target: Path) -> None:
    """Copy a file out, for its owner alone. Raises Damaged where it is not as the manifest says."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(name) as source, create(target) as copy:
        shutil.copyfileobj(source, copy, PIECE_BYTES)
    with target.open("rb") as file:
        if manifests.hashed(file) != manifest.files.get(name):
            raise Damaged(f"the file {name} is not the one that was backed up")


@contextmanager
def create(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner can read, on the disk when the block ends."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder lasting."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return [str(path.relative_to(self._path)) for path in self._path.rglob("*") if not path.is_dir()]

    def open(self, name: str) -> IO[bytes]:
        path = self._path / name
        if path.is_symlink() or not path.is_file():
            raise Damaged(f"the file {name} is missing")
        return path.open("rb")


class _Tar:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members = {member.name: member for member in tar if member.isreg()}

    def names(self) -> list[str]:
        return [member.name for member in self._tar.getmembers() if not member.isdir()]

    def open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        file = None if member is None else self._tar.extractfile(member)
        if file is None:
            raise Damaged(f"the file {name} is missing")
        return file


def _pack(folder: Path, packed: Path) -> None:
    """Move all files of a folder into a tar file, the manifest first; each goes as soon as it is packed, so
    that there is never room needed for two of all.
    """
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    names.sort(key=lambda name: name != manifests.NAME)
    with create(packed) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            path = folder / name
            member = tarfile.TarInfo(name)
            member.size, member.mode = path.stat().st_size, 0o600
            with path.open("rb") as content:
                tar.addfile(member, content)
            path.unlink()


def _sync_folders(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
    sync_folder(folder)
