"""`medtown openapi`: print the API's description."""

import json

import click


@click.command(help="Print the API's OpenAPI 3.1 description as JSON.")
def command() -> None:
    from gateway.openapi import description

    click.echo(json.dumps(description(), indent=2, ensure_ascii=False))
