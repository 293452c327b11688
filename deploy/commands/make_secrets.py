"""`medtown make-secrets`: everything secret of an installation of separate processes."""

from pathlib import Path

import click


@click.command(
    help="Make what is missing of the secrets of separate processes in FOLDER: passwords at the broker and "
    "the databases, signing keys, and the definitions that RabbitMQ and PostgreSQL take them from. What is "
    "there stays."
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--broker", default="rabbitmq:5672", show_default=True, help="Where processes find RabbitMQ.")
@click.option(
    "--database", default="postgres:5432", show_default=True, help="Where processes find PostgreSQL."
)
def command(folder: Path, broker: str, database: str) -> None:
    from deploy.installing import secrets

    secrets.make(folder, broker, database)
    click.echo(f"{folder}: secrets of an installation; keep a copy, and hand each process its own alone")
