"""`medtown demo`: fill an empty installation with simulated demo data."""

import click

from shared import config as configuration


@click.command(
    help="Fill an empty embedded installation with the simulated currency of Seville, and its sign-ins."
)
def command() -> None:
    from deploy.connect import connect
    from deploy.demo import marker
    from deploy.demo.seed import seed_demo
    from deploy.progress import Progress
    from deploy.refusals import CommandRefused

    config = configuration.load()
    if config.distributed:
        raise CommandRefused("demo accounts work on one machine alone: unset MEDTOWN_AMQP_URL")
    with connect(config) as connection, Progress("rows") as progress:
        seed_demo(config, connection.client, progress.show)
    for line in marker.sign_in_lines(config):
        click.echo(line)
