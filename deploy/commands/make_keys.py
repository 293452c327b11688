"""`medtown make-keys`: the keys with which processes and tools sign their tokens."""

import click

from shared import config as configuration


@click.command(
    help="Make what is missing of the keys in MEDTOWN_KEYS, and the list of whom processes trust. Keys that "
    "are there stay. An embedded installation does so by itself."
)
def command() -> None:
    from shared.auth.keys import ISSUERS, TRUSTED_FILE, ensure_keys, private_key_file

    config = configuration.load()
    ensure_keys(config.keys)
    for issuer in ISSUERS:
        click.echo(f"{private_key_file(config.keys, issuer)}: secret, for {issuer} alone")
    click.echo(f"{config.keys / TRUSTED_FILE}: for every process")
