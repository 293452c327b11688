"""A backup brought back: everything is written and checked beside what is there, and takes its place at the
end. Until all of it has, a mark lets nothing start, and the restore must be run again.

The ledger then goes on in a new timeline, so that whoever followed its journal beyond the backup notices and
begins anew.
"""

import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace as changed
from pathlib import Path

from sqlalchemy import Connection

from deploy.backups import documents, keys, postgres, scratch, timelines, unfinished
from deploy.backups import manifest as manifests
from deploy.backups.archive import Archive, check_contents, extract, open_archive, sync_folder
from deploy.backups.checking import check_ledger
from deploy.backups.making import BESIDE, BUS, ORDER, database_file, engine_of
from deploy.backups.manifest import Manifest
from deploy.databases import migrate
from deploy.datafolder import UNFINISHED, DataFolder
from deploy.refusals import CommandRefused
from shared.blobs.disk import DiskBlobs
from shared.config import Config
from shared.contracts.journal import Position
from shared.db.engine import Database

STAGING = ".restoring"
OF_PROCESS = frozenset({"lock", "medtown.sock", STAGING})
"""What may lie in a data folder that counts as empty."""

Progress = Callable[[int], None]


def restore(
    config: Config, path: Path, *, only: Collection[str], replace: bool, progress: Progress
) -> tuple[Manifest, dict[int, Position]]:
    """Bring a backup back, or `only` some of its services' databases; `replace` what is there.

    Returns what was restored and where each partition of the ledger goes on; `progress` is told how many
    of its records have been verified. Raises CommandRefused, DataFolderBusy and Damaged: nothing has changed
    then. After any other error either nothing has changed, or the installation is marked as unfinished.
    """
    with open_archive(path) as (archive, manifest):
        engine = engine_of(config)
        if manifest.engine != engine:
            raise CommandRefused(
                f"{path} holds databases of {manifest.engine}, this installation is on {engine}"
            )
        chosen = [name for name in manifest.databases if not only or name in only]
        check_contents(archive, manifest, _needed(manifest, chosen, whole=not only))
        if not only:
            keys.check(config, manifest)
        bring = _bring_folder if engine == manifests.SQLITE else _bring_processes
        return manifest, bring(config, archive, manifest, chosen, not only, replace, progress)


def _bring_folder(
    config: Config,
    archive: Archive,
    manifest: Manifest,
    chosen: Collection[str],
    whole: bool,
    replace: bool,
    progress: Progress,
) -> dict[int, Position]:
    """An embedded installation's data folder."""
    with DataFolder(config.data, unfinished=True):
        if not replace:
            _check_folder_is_empty(config, chosen, whole=whole)
        staging = config.data / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        staged = changed(config, data=staging)
        with ExitStack() as undone:
            undone.callback(shutil.rmtree, staging, ignore_errors=True)
            for name in chosen:
                extract(archive, manifest, _file(manifest, name), database_file(staged, name))
                if name != BUS:
                    migrate(staged, name)
            positions = _begin_in(staged, manifest, progress) if "ledger" in chosen else {}
            if "toolbox" in chosen:
                _add_blobs(config, archive, manifest, undone)
            undone.pop_all()
            (config.data / UNFINISHED).touch(0o600)
            sync_folder(config.data)
            _take_places(config, staged, chosen, whole=whole)
            if whole:
                _put_files(config, archive, manifest)
            sync_folder(config.data)
            (config.data / UNFINISHED).unlink()
            shutil.rmtree(staging)
        if "toolbox" in chosen:
            _remove_other_blobs(config, manifest)
    return positions


def _bring_processes(
    config: Config,
    archive: Archive,
    manifest: Manifest,
    chosen: Collection[str],
    whole: bool,
    replace: bool,
    progress: Progress,
) -> dict[int, Position]:
    """The databases of separate processes, each in one transaction; they end when all are written."""
    with ExitStack() as opened, ExitStack() as undone:
        databases = {
            name: opened.enter_context(closing(Database(config.database_for(name)))) for name in chosen
        }
        for name, database in databases.items():
            with database.write() as connection:
                _check_place(connection, name, replace)
        if "ledger" in chosen:
            with scratch.database(archive, "ledger", manifest.databases["ledger"]) as ledger:
                check_ledger(ledger, manifest, progress)
        if "toolbox" in chosen:
            _add_blobs(config, archive, manifest, undone)
        undone.callback(unfinished.unmark_all, unfinished.mark_all(databases))
        with ExitStack() as written:
            positions = _write(archive, manifest, databases, written)
            # What follows may end in the middle: from here on nothing is undone, and the marks stay.
            undone.pop_all()
        if whole:
            _put_files(config, archive, manifest)
        unfinished.unmark_all(databases)
    if "toolbox" in chosen:
        _remove_other_blobs(config, manifest)
    return positions


def _check_place(connection: Connection, name: str, replace: bool) -> None:
    postgres.check_unused(connection, name)
    if not replace and not postgres.is_empty(connection):
        raise CommandRefused(f"the {name} database is not empty: add --replace to put the backup there")


def _write(
    archive: Archive, manifest: Manifest, databases: Mapping[str, Database], written: ExitStack
) -> dict[int, Position]:
    """Write each database in a transaction that is left to `written`, which commits them one by one."""
    connections = {name: written.enter_context(database.write()) for name, database in databases.items()}
    for name, connection in connections.items():
        postgres.check_unused(connection, name)
        postgres.replace(connection, name, manifest.databases[name], archive)
    return timelines.begin_all(connections["ledger"]) if "ledger" in connections else {}


def _begin_in(staged: Config, manifest: Manifest, progress: Progress) -> dict[int, Position]:
    """See that the ledger is sound, and begin its timelines."""
    database = Database(staged.database_for("ledger"))
    try:
        check_ledger(database, manifest, progress)
        with database.write() as connection:
            return timelines.begin_all(connection)
    finally:
        database.close()


def _check_folder_is_empty(config: Config, chosen: Collection[str], *, whole: bool) -> None:
    if not whole:
        there = [name for name in chosen if database_file(config, name).exists()]
    else:
        there = sorted(path.name for path in config.data.iterdir() if path.name not in OF_PROCESS)
    if there:
        raise CommandRefused(
            f"{config.data} is not empty ({there[0]}): add --replace to put the backup there"
        )


def _take_places(config: Config, staged: Config, chosen: Collection[str], *, whole: bool) -> None:
    """Put the databases where they belong; of a `whole` installation, nothing else may stay."""
    for name in (*ORDER, BUS):
        final = database_file(config, name)
        if name in chosen or whole:
            # What an old database has not taken over yet must never be read into the new one.
            for ending in ("-wal", "-shm"):
                final.with_name(final.name + ending).unlink(missing_ok=True)
        if name in chosen:
            os.replace(database_file(staged, name), final)
        elif whole:
            final.unlink(missing_ok=True)
    if whole:
        for name in BESIDE:
            (config.data / name).unlink(missing_ok=True)


def _put_files(config: Config, archive: Archive, manifest: Manifest) -> None:
    """The keys, and what else lay in the data folder."""
    for name in manifest.files:
        if keys.is_key(name):
            if keys.is_there(config, manifest, name):
                continue
            target = keys.place(config, name)
        elif name in BESIDE:
            target = config.data / name
        else:
            continue
        partial = target.with_name(f".{target.name}.restored")
        partial.unlink(missing_ok=True)
        extract(archive, manifest, name, partial)
        os.replace(partial, target)


def _add_blobs(config: Config, archive: Archive, manifest: Manifest, undone: ExitStack) -> None:
    """Put those files of documents into the store that it lacks; they go again with `undone`."""
    blobs = DiskBlobs(config.blobs)
    there = set(blobs.kept())
    for name, kept in manifest.files.items():
        key = name.removeprefix(f"{documents.FOLDER}/")
        if key != name and key not in there:
            with archive.open(name) as source:
                documents.keep(blobs, key, source, kept)
            undone.callback(blobs.remove, key)


def _remove_other_blobs(config: Config, manifest: Manifest) -> None:
    blobs = DiskBlobs(config.blobs)
    for key in blobs.kept():
        if documents.path_of(key) not in manifest.files:
            blobs.remove(key)


def _needed(manifest: Manifest, chosen: Collection[str], *, whole: bool) -> list[str]:
    """The files that the chosen databases need, or all of a `whole` installation."""
    if whole:
        return list(manifest.files)
    needed = []
    for name in chosen:
        contents = manifest.databases[name]
        needed += [contents.file] if contents.file else [rows.file for rows in contents.tables.values()]
    if "toolbox" in chosen:
        needed += [name for name in manifest.files if name.startswith(f"{documents.FOLDER}/")]
    return needed


def _file(manifest: Manifest, name: str) -> str:
    file = manifest.databases[name].file
    assert file is not None
    return file
