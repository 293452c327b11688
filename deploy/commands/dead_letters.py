"""`medtown dead-letters`: the events that a consumer has given up."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import msgspec

from deploy.refusals import CommandRefused
from shared import config as configuration

if TYPE_CHECKING:
    from shared.config import Config
    from shared.messaging.dead_letters import DeadLetter, DeadLetters

COLUMNS = ("id", "queue", "type", "parked_at", "attempts", "reason", "size")

queue_option = click.option("--queue", help="Only those of this queue, as `list` names it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    help="Look at the events that were given up after their last attempt, and give them back or delete them."
)
def command() -> None:
    """Groups the four commands below."""


@command.command("list", help="List them: id, queue, type, when they were parked, attempts, reason, size.")
@queue_option
@json_option
def list_them(queue: str | None, as_json: bool) -> None:
    with _dead_letters() as letters:
        found = letters.list(queue)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
    elif not found:
        click.echo("no dead letters")
    else:
        _print(found)


@command.command(help="Show one, its body without tokens, passwords and personal fields.")
@click.argument("id")
@json_option
def show(id: str, as_json: bool) -> None:
    from shared.messaging.redaction import printable

    with _dead_letters() as letters:
        found = letters.show(id)
    if found is None:
        raise CommandRefused(f"no dead letter has the id {printable(id)}")
    fields = msgspec.to_builtins(found.letter)
    if as_json:
        click.echo(json.dumps({**fields, "body": found.body}))
        return
    for name, value in fields.items():
        click.echo(f"{name:<13} {printable(str(value))}")
    click.echo(found.body)


@command.command(help="Give one, or --all, back to the queue of its consumer, as at the first attempt.")
@click.argument("id", required=False)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@queue_option
@json_option
def replay(id: str | None, everything: bool, queue: str | None, as_json: bool) -> None:
    from shared.messaging.redaction import printable

    if everything == (id is not None):
        raise CommandRefused("name one dead letter by its id, or all of them with --all")
    with _dead_letters() as letters:
        count = letters.replay(id, queue)
    if id is not None and count == 0:
        raise CommandRefused(f"no dead letter has the id {printable(id)}")
    click.echo(json.dumps({"replayed": count}) if as_json else f"{count} replayed")


@command.command(help="Delete these for good: what nobody will ever handle, once it was looked at.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@json_option
def drop(ids: tuple[str, ...], yes: bool, as_json: bool) -> None:
    from shared.messaging.redaction import printable

    if not yes and not sys.stdin.isatty():
        raise CommandRefused("there is no terminal to ask: add --yes to delete them for good")
    with _dead_letters() as letters:
        known = {letter.id for letter in letters.list(None)}
        for id in ids:
            if id not in known:
                raise CommandRefused(f"no dead letter has the id {printable(id)}; nothing was deleted")
        if not yes:
            click.confirm(f"Delete {len(set(ids))} for good?", abort=True)
        count = sum(letters.drop(id) for id in dict.fromkeys(ids))
    click.echo(json.dumps({"dropped": count}) if as_json else f"{count} deleted")


@contextmanager
def _dead_letters() -> Iterator["DeadLetters"]:
    from shared.messaging.dead_letters import DeadLettersUnavailable

    config = configuration.load()
    try:
        with _of_broker(config) if config.distributed else _of_folder(config) as letters:
            yield letters
    except DeadLettersUnavailable as fault:
        raise CommandRefused(str(fault)) from fault


@contextmanager
def _of_broker(config: "Config") -> Iterator["DeadLetters"]:
    from deploy.services import SERVICES
    from shared.messaging.amqp.dead_letters import AmqpDeadLetters
    from shared.messaging.amqp.topology import event_queue

    tables = [owner.table() for owner in SERVICES.values()]
    yield AmqpDeadLetters(
        config.amqp_url, [event_queue(table.name, key) for table in tables for key in table.events]
    )


@contextmanager
def _of_folder(config: "Config") -> Iterator["DeadLetters"]:
    """Through the running server, or in its place; what is replayed then waits for its next start."""
    from deploy.connect import over
    from deploy.datafolder import DataFolder
    from shared.db.engine import Database
    from shared.messaging.inprocess.dead_letters import DeadLettersOfServer, ParkedDeliveries
    from shared.messaging.socket_client import SocketClient, is_served

    if is_served(config.socket):
        client = SocketClient(config.socket)
        try:
            yield DeadLettersOfServer(client, over(config, client).tokens)
        finally:
            client.close()
        return
    if not (config.data / "bus.sqlite3").exists():
        raise CommandRefused(f"there is no installation in {config.data}: start `medtown up` first")
    with DataFolder(config.data):
        database = Database(config.database_for("bus"))
        try:
            yield ParkedDeliveries(database)
        finally:
            database.close()


def _print(letters: Sequence["DeadLetter"]) -> None:
    from shared.messaging.redaction import printable

    rows = [[printable(str(getattr(letter, name))) for name in COLUMNS] for letter in letters]
    table = [list(COLUMNS), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
