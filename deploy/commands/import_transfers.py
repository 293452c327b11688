"""`medtown import-transfers`: replay a research log into the ledger."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.progress import Progress
from deploy.refusals import CommandRefused
from shared import config as configuration
from shared.contracts.money import MINOR_UNITS

if TYPE_CHECKING:
    from services.ledger.imports.replay import Summary


@click.command(
    help="Replay FILE into a currency, which is created where it is missing. Original times are kept. A "
    "weight becomes minor units by rounding half to even. Rows that break a rule are listed in an "
    "exceptions CSV. After a kill, start it again."
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--currency", required=True, help="Code of the currency, e.g. PUMA.")
@click.option("--format", "log_format", type=click.Choice(["ukds"]), required=True, help="Format of the log.")
@click.option(
    "--minor-units", type=click.Choice([str(scale) for scale in MINOR_UNITS]), help="Per unit; 100 if new."
)
@click.option(
    "--territory", default="imported", show_default=True, help="Of the currency, where it is created."
)
@click.option(
    "--exceptions", type=click.Path(dir_okay=False, path_type=Path), help="Default: FILE.exceptions.csv"
)
@click.option("--simulated", is_flag=True, help="Mark a currency that is created as simulated, for good.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    file: Path,
    currency: str,
    log_format: str,
    minor_units: str | None,
    territory: str,
    exceptions: Path | None,
    simulated: bool,
    as_json: bool,
) -> None:
    from deploy.connect import connect
    from deploy.importing import find_target, import_log, sum_of_balances
    from services.ledger.imports import ukds

    config = configuration.load()
    exceptions = exceptions or file.with_name(file.name + ".exceptions.csv")
    if exceptions.exists() and exceptions.samefile(file):
        raise CommandRefused(
            f"--exceptions names {file} itself, which would be overwritten; name another file"
        )
    with connect(config, with_jobs=False) as connection:
        target = find_target(
            connection,
            currency,
            minor_units=int(minor_units) if minor_units else None,
            territory=territory,
            simulated=simulated,
        )
        with (
            ukds.open_log(file) as stream,
            open(exceptions, "w", newline="", encoding="utf-8") as rejected,
            Progress("rows") as progress,
        ):
            writer = csv.writer(rejected)
            writer.writerow(["row", "id", "reason", "detail"])
            try:
                summary = import_log(
                    connection, stream, target, reject=writer.writerow, progress=progress.show
                )
            except ukds.WrongFormat as error:
                raise CommandRefused(f"{file} is no {log_format} log: {error}") from error
        held = sum_of_balances(connection, currency)
    if as_json:
        click.echo(json.dumps(summary.to_json() | {"sum": held, "exceptions": str(exceptions)}))
    else:
        _print(summary, held, target.currency, target.minor_units, exceptions)


def _print(summary: "Summary", held: int, currency: str, minor_units: int, exceptions: Path) -> None:
    from shared.contracts.money import text

    click.echo(f"{summary.rows:,} rows, {summary.accounts:,} accounts")
    for subtype, count in sorted(summary.applied.items()):
        click.echo(
            f"  applied  {subtype:<14} {count:>10,}   {text(summary.volumes[subtype], currency, minor_units)}"
        )
    for reason, count in summary.refused.most_common():
        click.echo(f"  refused  {reason:<24} {count:>10,}")
    click.echo(f"supply by this log: {text(summary.supply, currency, minor_units)}")
    click.echo(f"sum of all balances of {currency}: {text(held, currency, minor_units)}")
    if summary.refused:
        click.echo(f"exceptions: {exceptions}")
