"""`medtown verify-ledger`: recompute everything that the ledger claims."""

import json

import click

from deploy.progress import Progress
from shared import config as configuration


@click.command(
    help="Recompute chain, sequence, entries, balances and sums; name the first fault (exit code 1)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(as_json: bool) -> None:
    from deploy.databases import require_database
    from services.ledger.journal.verify import verify

    config = configuration.load()
    database = require_database(config, "ledger")
    try:
        with Progress("records") as progress:
            report = verify(database, config.partition, progress=progress.show)
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps(report.to_json()))
    else:
        click.echo(str(report))
    if not report.sound:
        raise click.exceptions.Exit(1)
