"""`medtown asyncapi`: print the events' description."""

import json

import click


@click.command(help="Print the AsyncAPI 3.0 description of the events as JSON.")
def command() -> None:
    from deploy.asyncapi import description

    click.echo(json.dumps(description(), indent=2, ensure_ascii=False))
