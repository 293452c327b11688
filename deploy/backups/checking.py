"""A backup checked without being restored: its files, its ledger, and that no document lacks its file."""

from collections.abc import Callable

from deploy.backups import documents, scratch
from deploy.backups.archive import Archive, Damaged, check_files
from deploy.backups.manifest import Manifest
from services.ledger.journal import timelines
from services.ledger.journal.report import Report
from services.ledger.journal.verify import verify
from shared.db.engine import Database


def check(archive: Archive, manifest: Manifest, progress: Callable[[int], None]) -> list[Report]:
    """What the verification says of each of the ledger's partitions. Raises Damaged at the first fault;
    `progress` is told how many records have been verified.
    """
    check_files(archive, manifest)
    with scratch.database(archive, "toolbox", manifest.databases["toolbox"]) as database:
        _check_documents(database, manifest)
    with scratch.database(archive, "ledger", manifest.databases["ledger"]) as database:
        return check_ledger(database, manifest, progress)


def check_ledger(database: Database, manifest: Manifest, progress: Callable[[int], None]) -> list[Report]:
    """The same for the ledger's database alone."""
    with database.read() as connection:
        if timelines.positions(connection) != manifest.partitions:
            raise Damaged("the ledger is not as far as the manifest says")
    reports = [verify(database, partition, progress) for partition in manifest.partitions]
    for report in reports:
        if report.fault is not None:
            raise Damaged(f"partition {report.partition} of the ledger: {report.fault}")
    return reports


def _check_documents(database: Database, manifest: Manifest) -> None:
    with database.read() as connection:
        named = documents.named(connection)
    for key, kept in named:
        if key not in manifest.lost and manifest.files.get(documents.path_of(key)) != kept:
            raise Damaged(f"the file of document version {key} is missing or another one")
