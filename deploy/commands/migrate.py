"""`medtown migrate`: bring databases to the newest version."""

import click

from deploy.refusals import CommandRefused
from deploy.services import SERVICES, migrate
from shared import config as configuration

EMBEDDED_HINT = "with MEDTOWN_AMQP_URL set, name the service whose MEDTOWN_DATABASE_URL is given: --service"


@click.command(help="Bring the databases to the newest version. Refused while an embedded server runs.")
@click.option("--service", type=click.Choice(list(SERVICES)), help="One service's database.")
def command(service: str | None) -> None:
    from deploy.datafolder import DataFolder

    config = configuration.load()
    if config.database_url:
        if service is None:
            raise CommandRefused(EMBEDDED_HINT)
        migrate(config, service)
        click.echo(f"{service}: up to date")
        return
    if config.distributed:
        raise CommandRefused("MEDTOWN_DATABASE_URL is missing: it names the database to migrate")
    with DataFolder(config.data):
        for name in [service] if service else SERVICES:
            migrate(config, name)
            click.echo(f"{name}: up to date")
