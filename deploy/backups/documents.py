"""The files of documents: exactly those that the toolbox's database names, each by its hash."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import Connection, select

from deploy.backups import manifest as manifests
from deploy.backups.archive import Damaged, create
from deploy.backups.manifest import PIECE_BYTES, Kept
from deploy.refusals import CommandRefused
from services.toolbox.documents.tables import documents, versions
from shared.blobs.store import BlobMissing, BlobStore, StorageFull, TooLarge

FOLDER = "blobs"


class Named(NamedTuple):
    """A file as the toolbox's database knows it."""

    key: str
    kept: Kept


def named(toolbox: Connection) -> list[Named]:
    """The files of all documents that are not deleted."""
    columns = (versions.c.id, versions.c.size, versions.c.sha256)
    query = select(*columns).join(documents, documents.c.id == versions.c.document)
    found = toolbox.execute(query.where(documents.c.deleted_at.is_(None)).order_by(versions.c.id))
    return [Named(key, Kept(size, bytes(sha256).hex())) for key, size, sha256 in found]


def path_of(key: str) -> str:
    """Where a file lies in a backup."""
    return f"{FOLDER}/{key}"


def copy(blobs: BlobStore, files: Iterable[Named], folder: Path) -> list[str]:
    """Copy those files that are not yet in a folder; returns the keys of those that are not there, or not as
    they should be.
    """
    lost = []
    for key, kept in files:
        target = folder / path_of(key)
        if not target.exists() and not _copied(blobs, key, kept, target):
            lost.append(key)
    return lost


def drop_others(files: Iterable[Named], folder: Path) -> None:
    """Take out of a folder what none of these names."""
    known = {key for key, _ in files}
    for path in (folder / FOLDER).glob("*"):
        if path.name not in known:
            path.unlink()


def keep(blobs: BlobStore, key: str, source: IO[bytes], kept: Kept) -> None:
    """Put a file back into the store. Raises Damaged where it is another one, and CommandRefused where there
    is no room.
    """
    try:
        staging = blobs.begin(kept.size)
        while piece := source.read(PIECE_BYTES):
            staging.write(piece)
        staged = staging.finish()
        if Kept(staged.size, staged.sha256) != kept:
            blobs.discard(staged.key)
            raise Damaged(f"the file {path_of(key)} is not the one that was backed up")
        blobs.commit(staged.key, key)
    except StorageFull as error:
        raise CommandRefused("there is no room for the documents' files") from error
    except TooLarge as error:
        raise Damaged(f"the file {path_of(key)} is not the one that was backed up") from error


def _copied(blobs: BlobStore, key: str, kept: Kept, target: Path) -> bool:
    try:
        with blobs.open(key) as source, create(target) as written:
            shutil.copyfileobj(source, written, PIECE_BYTES)
    except BlobMissing:
        return False
    with target.open("rb") as copied:
        if manifests.hashed(copied) == kept:
            return True
    target.unlink()
    return False
