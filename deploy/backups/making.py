"""A backup being made: documents' files first, then all databases as they are at one moment, then the files
that have come in between.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from deploy.backups import documents, postgres, sqlite
from deploy.backups import manifest as manifests
from deploy.backups.archive import create, new_archive
from deploy.backups.manifest import Contents, Manifest
from deploy.databases import require_whole
from deploy.datafolder import check_finished
from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from services.ledger.journal import timelines
from shared.blobs.disk import DiskBlobs
from shared.config import Config
from shared.contracts.journal import Position
from shared.db.engine import Database
from shared.db.migrations import VERSION_TABLE

BUS = "bus"
ORDER = ("dashboard", "toolbox", "cop", "ledger", "identity")
"""In which order PostgreSQL's snapshots are taken, moments apart: who follows before who is followed (a
dashboard may be behind the ledger, and catches up, but never ahead), and last the people whom all others
name."""
ATTEMPTS = 3
BESIDE = ("demo.json", "demo.pending")
"""Files of the data folder beside its databases."""


def make(config: Config, target: Path) -> Manifest:
    """Write a backup of the whole installation to `target`, all of it or nothing. Raises CommandRefused."""
    assert set(ORDER) == set(SERVICES)
    engine = engine_of(config)
    _require_whole(config, engine)
    with new_archive(target) as folder:
        databases, partitions, lost = _copy_services(config, folder)
        _copy_files(config, folder)
        manifest = manifests.describe(folder, engine, databases, partitions, lost)
        with create(folder / manifests.NAME) as file:
            file.write(manifests.encode(manifest))
    return manifest


def _require_whole(config: Config, engine: str) -> None:
    """Raises CommandRefused and DataFolderBusy in the middle of a restore, when there is nothing to keep."""
    if engine == manifests.SQLITE:
        check_finished(config.data)
        return
    for name in ORDER:
        with closing(Database(config.database_for(name))) as database:
            require_whole(name, database)


def engine_of(config: Config) -> str:
    """On which databases the installation runs. Raises CommandRefused where they are not all named."""
    if config.database_url or (config.distributed and config.database_urls is None):
        raise CommandRefused(
            "set MEDTOWN_DATABASE_URLS, in place of MEDTOWN_DATABASE_URL: a folder with a file for each of "
            f"{', '.join(SERVICES)} that holds the URL of its database"
        )
    return manifests.SQLITE if config.database_urls is None else manifests.POSTGRESQL


def _copy_services(
    config: Config, folder: Path
) -> tuple[dict[str, Contents], dict[int, Position], list[str]]:
    """The databases' contents, how far the ledger had come, and the documents' files that were not there."""
    names = _databases(config)
    blobs = DiskBlobs(config.blobs)
    for attempt in range(ATTEMPTS):
        # Most of the files before, so that hardly one can be removed between the moment and its copy.
        with _at_one_moment(config, ("toolbox",)) as now:
            documents.copy(blobs, documents.named(now["toolbox"]), folder)
        with _at_one_moment(config, names) as moment:
            named = documents.named(moment["toolbox"])
            lost = documents.copy(blobs, named, folder)
            if lost and attempt + 1 < ATTEMPTS:
                continue
            documents.drop_others(named, folder)
            partitions = timelines.positions(moment["ledger"])
            return {name: _dump(reader, name, folder) for name, reader in moment.items()}, partitions, lost
    raise AssertionError


@contextmanager
def _at_one_moment(config: Config, names: tuple[str, ...]) -> Iterator[Mapping[str, Connection]]:
    if engine_of(config) == manifests.POSTGRESQL:
        with postgres.at_one_moment({name: config.database_for(name) for name in names}) as readers:
            yield readers
    else:
        with sqlite.at_one_moment({name: database_file(config, name) for name in names}) as readers:
            yield readers


def _databases(config: Config) -> tuple[str, ...]:
    """All databases of the installation, in order."""
    if engine_of(config) == manifests.POSTGRESQL:
        return ORDER
    for service in ORDER:
        if not database_file(config, service).exists():
            raise CommandRefused(f"there is no {service} database in {config.data}: start `medtown up` first")
    return (*ORDER, BUS) if database_file(config, BUS).exists() else ORDER


def database_file(config: Config, name: str) -> Path:
    """The file of an embedded installation's database."""
    return config.data / f"{name}.sqlite3"


def _dump(reader: Connection, name: str, folder: Path) -> Contents:
    if reader.dialect.name == "postgresql":
        return postgres.dump(reader, name, folder)
    file = f"databases/{name}.sqlite3"
    sqlite.copy(reader, folder / file)
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")
    return Contents(None if name == BUS else reader.execute(query).scalar(), file)


def _copy_files(config: Config, folder: Path) -> None:
    """The keys, and what else lies in an embedded installation's data folder."""
    beside = BESIDE if engine_of(config) == manifests.SQLITE else ()
    found = {f"keys/{path.name}": path for path in config.keys.glob("*")}
    found |= {name: config.data / name for name in beside}
    for name, path in found.items():
        if path.is_file():
            with create(folder / name) as file:
                file.write(path.read_bytes())
