"""`medtown create-admin`: register the first people who may register others."""

import sys

import click

from deploy.refusals import CommandRefused
from shared import config as configuration


@click.command(help="Register an administrator; the password is asked for, or read from standard input.")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, default=["administrator", "operator"], show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def command(email: str, name: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    from deploy.connect import connect

    config = configuration.load()
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif not sys.stdin.isatty():
        raise CommandRefused("there is no terminal to ask for the password: add --password-stdin")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    for what, text in (("--email", email), ("--name", name), ("the password", password)):
        _check_is_text(what, text)
    with connect(config, with_jobs=False) as connection:
        person = connection.client.call(
            "identity",
            "create_person",
            {"name": name, "email": email, "password": password, "roles": list(roles)},
            token=connection.tokens.token("identity"),
        )
    click.echo(f"{person['id']}: {', '.join(person['roles'])}")


def _check_is_text(what: str, given: str) -> None:
    """Python lets bytes that are no UTF-8 pass as halves of characters, which nothing else takes."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise CommandRefused(f"{what} is not UTF-8") from None
