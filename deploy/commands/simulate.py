"""`medtown simulate`: write the log of a simulated local currency."""

import datetime
from pathlib import Path

import click

from deploy.progress import Progress
from deploy.refusals import CommandRefused


@click.command(help="Write a simulated log of transfers, in the format that import-transfers reads, to FILE.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--accounts", type=int, default=1000, show_default=True, help="Households, shops and suppliers."
)
@click.option("--days", type=int, default=180, show_default=True, help="Days that the log covers.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same log.")
@click.option(
    "--start", type=click.DateTime(["%Y-%m-%d"]), default="2026-01-01", show_default=True, help="First day."
)
@click.option("--token-name", default="Simulated", show_default=True)
@click.option(
    "--overdraw-share", type=float, default=0.0, show_default=True, help="Share of rows that overdraw."
)
@click.option(
    "--malformed-share", type=float, default=0.0, show_default=True, help="Share of unreadable rows."
)
@click.option("--extra-decimals", is_flag=True, help="Write amounts with up to 12 places, as real logs do.")
def command(
    file: Path,
    accounts: int,
    days: int,
    seed: int,
    start: datetime.datetime,
    token_name: str,
    overdraw_share: float,
    malformed_share: float,
    extra_decimals: bool,
) -> None:
    from deploy.demo.simulation.log import write_log
    from deploy.demo.simulation.scenario import Scenario

    try:
        scenario = Scenario(
            accounts=accounts,
            days=days,
            seed=seed,
            start=start.date(),
            token_name=token_name,
            overdraw_share=overdraw_share,
            malformed_share=malformed_share,
            extra_decimals=extra_decimals,
        )
    except ValueError as error:
        raise CommandRefused(str(error)) from error
    with open(file, "w", newline="", encoding="utf-8") as stream, Progress("rows") as progress:
        summary = write_log(scenario, stream, progress=lambda day, days, rows: progress.show(rows))
    kinds = ", ".join(f"{subtype} {rows:,}" for subtype, rows in summary.rows_by_subtype.items())
    click.echo(f"{file}: {summary.rows:,} rows ({kinds}), {summary.accounts:,} accounts")
    if summary.overdrawing_rows or summary.malformed_rows:
        click.echo(
            f"of them {summary.overdrawing_rows:,} overdraw and {summary.malformed_rows:,} cannot be read"
        )
