"""`medtown restore`: an installation made what it was when a backup was taken."""

from pathlib import Path

import click

from deploy.progress import Progress
from deploy.refusals import CommandRefused
from deploy.services import SERVICES
from shared import config as configuration


@click.command(
    help="Bring the backup FILE back into an empty installation, or with --replace in the place of one. "
    "Refused while a server runs. The ledger goes on in a new timeline; who followed its journal further "
    "begins anew."
)
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of what is there, which is lost.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(SERVICES)),
    help="Only this service's database; keys stay as they are. Can be given again.",
)
@click.option(
    "--grant", "with_grants", is_flag=True, help="Also give each process's role its rights (PostgreSQL)."
)
def command(file: Path, replace: bool, only: tuple[str, ...], with_grants: bool) -> None:
    from deploy.backups.archive import Damaged
    from deploy.backups.restoring import restore
    from deploy.commands.migrate import grant_roles

    config = configuration.load()
    if with_grants and config.database_urls is None:
        raise CommandRefused("--grant is for PostgreSQL: set MEDTOWN_DATABASE_URLS")
    with Progress("records") as progress:
        try:
            manifest, positions = restore(config, file, only=only, replace=replace, progress=progress.show)
        except Damaged as fault:
            raise CommandRefused(f"the backup {file} is damaged, nothing was restored: {fault}") from fault
    if with_grants:
        for service in only or SERVICES:
            grant_roles(config, service)
    click.echo(f"restored as of {manifest.made_at}")
    for partition, at in positions.items():
        click.echo(
            f"ledger partition {partition} goes on after record {at.sequence:,}, timeline {at.timeline}"
        )
