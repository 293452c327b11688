"""Importing a log over a connection: where it goes, and how its commands are sent."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

import msgspec

from deploy.connect import Connection
from deploy.refusals import CommandRefused
from services.ledger.imports import ukds
from services.ledger.imports.replay import Rejected, Summary, Target, persistent, replay
from shared.contracts import clock
from shared.contracts.commands import Command, Outcome, WriteCall, WriteItem
from shared.contracts.errors import Refusal
from shared.contracts.ledger import AUDIENCE, writer_service
from shared.contracts.primitives import HOLDER_KINDS

CALL_SECONDS = 30
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
ATTEMPTS_UNTOLD = 3
PAGE = 200
DEFAULT_MINOR_UNITS = 100


def find_target(
    connection: Connection, currency: str, *, minor_units: int | None, territory: str, simulated: bool
) -> Target:
    """Where a log goes: the currency as it is, or as it is to be created. Refuses a scale that differs."""
    try:
        existing = connection.client.call(
            "ledger", "get_currency", {"id": currency}, token=connection.tokens.token(AUDIENCE)
        )
    except Refusal as refusal:
        if refusal.slug not in ("not-found", "unknown-currency"):
            raise
        scale = minor_units or DEFAULT_MINOR_UNITS
        return Target(currency, scale, territory=territory, simulated=simulated)
    if minor_units not in (None, existing["minor_units"]):
        raise CommandRefused(
            f"--minor-units is {minor_units}, but {currency} exists with {existing['minor_units']}; "
            "leave the option out"
        )
    return Target(currency, existing["minor_units"], partition=existing["partition"], exists=True)


def import_log(
    connection: Connection,
    stream: TextIO,
    target: Target,
    *,
    reject: Callable[[Rejected], object],
    progress: Callable[[int], None],
) -> Summary:
    """Replay a log; whatever gets no answer is sent again until it is decided."""

    def send(commands: list[Command]) -> list[Outcome]:
        not_after = clock.deadline(CALL_SECONDS)
        call = WriteCall(
            [connection.tokens.token(AUDIENCE)], [WriteItem(0, one) for one in commands], not_after
        )
        try:
            answer = connection.client.call(
                writer_service(target.partition), "decide", msgspec.to_builtins(call), not_after=not_after
            )
        except Refusal as refusal:
            return [Outcome(refusal=refusal.to_wire())] * len(commands)
        return msgspec.convert(answer["outcomes"], list[Outcome])

    return replay(
        ukds.read(stream, target.minor_units, clock.now_us()),
        target,
        persistent(send, _pause),
        reject=lambda rejected: _ignore(reject(rejected)),
        progress=progress,
    )


def sum_of_balances(connection: Connection, currency: str) -> int:
    """What all members and organisations of a currency hold together, as the ledger says now."""
    total, cursor = 0, None
    while True:
        arguments = {"currency": currency, "limit": PAGE, "cursor": cursor}
        page = connection.client.call(
            "ledger", "list_accounts", arguments, token=connection.tokens.token(AUDIENCE)
        )
        total += sum(one["balance"]["amount"] for one in page["data"] if one["kind"] in HOLDER_KINDS)
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return total


def _pause(attempts: int) -> None:
    if attempts == ATTEMPTS_UNTOLD:
        print("medtown: the ledger does not answer; trying again until it does", file=sys.stderr)
    time.sleep(min(FIRST_PAUSE_SECONDS * 2 ** min(attempts, 10), LONGEST_PAUSE_SECONDS))


def _ignore(_: object) -> None:
    """What a callback answers is of no use here."""
