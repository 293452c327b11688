"""`medtown rebuild-dashboard`: the figures, made anew from the ledger's journal."""

import click

from deploy.progress import Progress
from deploy.refusals import CommandRefused
from shared import config as configuration


@click.command(
    help="Empty the dashboard's projection and rebuild it from the ledger's journal. Works beside a server."
)
def command() -> None:
    from deploy.connect import connect
    from deploy.databases import require_whole
    from services.dashboard import resources as dashboard
    from services.dashboard.projection import projector

    config = configuration.load()
    with connect(config, with_jobs=False) as connection:
        resources = dashboard.build(config, connection.client)
        try:
            require_whole("dashboard", resources.database)
            with Progress("records") as progress:
                applied = projector.rebuild(resources, progress.show)
        except projector.ProjectionStalled as stalled:
            raise CommandRefused(str(stalled)) from stalled
        finally:
            resources.close()
    click.echo(f"{applied:,} records")
