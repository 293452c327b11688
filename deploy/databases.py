"""The services' databases brought up to date, and whether they are."""

from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from deploy.datafolder import check_finished
from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared.config import Config
from shared.db import migrations
from shared.db.engine import Database
from shared.db.faults import is_away

INSUFFICIENT_PRIVILEGE = "42501"


def migrate(config: Config, service: str) -> None:
    """Bring one service's database to the newest version. Raises CommandRefused as `require_whole`."""
    database = Database(config.database_for(service))
    try:
        require_whole(service, database)
        if not is_migrated(service, database):
            migrations.upgrade(SERVICES[service].folder, database)
    finally:
        database.close()


def migrate_all(config: Config) -> None:
    """Bring the databases of all services to the newest version."""
    for service in SERVICES:
        migrate(config, service)


def is_migrated(service: str, database: Database) -> bool:
    """Whether a service's database is at the newest version."""
    return migrations.is_current(SERVICES[service].folder, database)


def require_whole(service: str, database: Database) -> None:
    """Raises CommandRefused where a restore has not finished with the database: the others may be of another
    time.
    """
    if migrations.is_unfinished(database):
        raise CommandRefused(
            f"a restore of the {service} database was interrupted: run `medtown restore FILE --replace` again"
        )


def require_whole_at_start(config: Config, service: str) -> None:
    """The same for a process that starts, which may do so while its database is away. Where that comes back
    with the mark, the check "migrations" of /readyz fails.
    """
    with closing(Database(config.database_for(service))) as database:
        try:
            require_whole(service, database)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
                raise CommandRefused(
                    f"the {service} database cannot be read by this role: run `medtown migrate --grant` first"
                ) from error
            if not is_away(error):
                raise


def require_database(config: Config, service: str) -> Database:
    """A service's database, which must exist, be whole and be up to date. Raises CommandRefused and
    DataFolderBusy where it is not.
    """
    url = config.database_for(service)
    if not config.database_url:
        check_finished(config.data)
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise CommandRefused(f"there is no {service} database in {config.data}: start `medtown up` first")
    database = Database(url)
    try:
        require_whole(service, database)
    except BaseException:
        database.close()
        raise
    if not is_migrated(service, database):
        database.close()
        raise CommandRefused(f"the {service} database is not at this version: run `medtown migrate` first")
    return database
