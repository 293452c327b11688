"""`medtown migrate`: bring databases to the newest version."""

import click

from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared import config as configuration
from shared.config import Config

EMBEDDED_HINT = "with MEDTOWN_AMQP_URL set, name the service whose MEDTOWN_DATABASE_URL is given: --service"


@click.command(help="Bring the databases to the newest version. Refused while an embedded server runs.")
@click.option("--service", type=click.Choice(list(SERVICES)), help="One service's database.")
@click.option(
    "--grant", "with_grants", is_flag=True, help="Also give each process's role its rights (PostgreSQL)."
)
def command(service: str | None, with_grants: bool) -> None:
    from deploy.databases import migrate
    from deploy.datafolder import DataFolder

    config = configuration.load()
    if with_grants and not config.database_url.startswith("postgresql"):
        raise CommandRefused(
            "--grant is for PostgreSQL: MEDTOWN_DATABASE_URL names the database, as its owner"
        )
    if config.database_url:
        if service is None:
            raise CommandRefused(EMBEDDED_HINT)
        migrate(config, service)
        click.echo(f"{service}: up to date")
        if with_grants:
            grant_roles(config, service)
        return
    if config.distributed:
        raise CommandRefused("MEDTOWN_DATABASE_URL is missing: it names the database to migrate")
    with DataFolder(config.data):
        for name in [service] if service else SERVICES:
            migrate(config, name)
            click.echo(f"{name}: up to date")


def grant_roles(config: Config, service: str) -> None:
    from deploy.installing.database import grant, roles_of
    from shared.db.engine import Database

    database = Database(config.database_for(service))
    try:
        grant(service, database)
    finally:
        database.close()
    click.echo(f"{service}: rights of {', '.join(roles_of(service).values())}")
