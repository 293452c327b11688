"""`medtown backup`: everything that the installation holds, as it is at one moment."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy.progress import Progress
from shared import config as configuration

if TYPE_CHECKING:
    from deploy.backups.manifest import Manifest
    from services.ledger.journal.report import Report


@click.command(
    help="Write a backup of all databases, documents and keys to TARGET: a folder, or one file where the "
    "name ends with .tar. It works while the platform runs. With --verify, check the backup TARGET instead, "
    "without restoring it (exit code 1 where it is not sound)."
)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--verify", "only_verify", is_flag=True, help="Check the backup that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(target: Path, only_verify: bool, as_json: bool) -> None:
    if only_verify:
        _verify(target, as_json)
        return
    from deploy.backups.making import make

    manifest = make(configuration.load(), target)
    _print(target, manifest, as_json, [])
    if manifest.lost:
        raise click.exceptions.Exit(1)


def _verify(path: Path, as_json: bool) -> None:
    from deploy.backups.archive import Damaged, open_archive
    from deploy.backups.checking import check

    with open_archive(path) as (archive, manifest), Progress("records") as progress:
        try:
            reports = check(archive, manifest, progress.show)
        except Damaged as fault:
            click.echo(json.dumps({"sound": False, "fault": str(fault)}) if as_json else f"FAULT: {fault}")
            raise click.exceptions.Exit(1) from fault
    _print(path, manifest, as_json, reports)


def _print(path: Path, manifest: "Manifest", as_json: bool, reports: "list[Report]") -> None:
    from deploy.backups.manifest import fingerprint

    size = sum(kept.size for kept in manifest.files.values())
    if as_json:
        told = {
            "sound": True,
            "made_at": manifest.made_at,
            "files": len(manifest.files),
            "bytes": size,
            "lost": manifest.lost,
            "partitions": {
                partition: {"timeline": at.timeline, "sequence": at.sequence, "hash": at.hash}
                for partition, at in manifest.partitions.items()
            },
            "fingerprint": fingerprint(manifest),
        }
        click.echo(json.dumps(told))
        return
    click.echo(f"{path}: {len(manifest.files):,} files, {size:,} bytes, made at {manifest.made_at}")
    for partition, at in manifest.partitions.items():
        click.echo(f"ledger partition {partition}: {at.sequence:,} records, last hash {at.hash}")
    for report in reports:
        click.echo(str(report))
    for key in manifest.lost:
        click.echo(f"WARNING: the file of document version {key} was lost before the backup was made")
    if not manifest.has_keys:
        click.echo("there are no keys in it: keep the folder of secrets as well")
    click.echo(f"fingerprint {fingerprint(manifest)}")
