"""`medtown begin-timeline`: after the ledger's database came back by other means than `medtown restore`."""

import click

from shared import config as configuration


@click.command(
    help="Let every partition of the ledger go on in a new timeline: once, after its database was recovered "
    "to a point in time or put back from a copy, and before anything is started. Refused while a server runs."
)
def command() -> None:
    from deploy.backups.timelines import begin

    for partition, at in begin(configuration.load()).items():
        click.echo(f"partition {partition} goes on after record {at.sequence:,}, timeline {at.timeline}")
