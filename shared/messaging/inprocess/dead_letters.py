"""The dead letters of the embedded bus: its parked deliveries, and the calls by which tools reach them."""

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from marshmallow import fields
from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from shared.auth.principal import OPERATOR
from shared.auth.tokens import ServiceTokens
from shared.contracts import clock
from shared.contracts.ledger import Arguments
from shared.db.engine import Database
from shared.messaging.client import Client
from shared.messaging.dead_letters import (
    MAX_LISTED,
    DeadLetter,
    DeadLettersUnavailable,
    ShownLetter,
    letter_id,
    type_of,
)
from shared.messaging.inprocess.deliveries import deliveries
from shared.messaging.redaction import shown
from shared.messaging.service import Call, Request, Service

NAME = "dead_letters"
ANSWER_SECONDS = 60.0
"""How long a server may take: thousands of letters, or large ones, are read from the disk."""


class ParkedDeliveries:
    """See `shared.messaging.dead_letters.DeadLetters`. `wake` is told the queues that got letters back."""

    def __init__(self, database: Database, wake: Callable[[str], None] = lambda queue: None) -> None:
        self._database = database
        self._wake = wake

    def list(self, queue: str | None) -> builtins.list[DeadLetter]:
        with _database_faults():
            return [_letter(row) for row in self._parked(queue)]

    def show(self, letter: str) -> ShownLetter | None:
        with _database_faults():
            for row in self._parked(None):
                if _id(row) == letter:
                    return ShownLetter(_letter(row), shown(row.body))
        return None

    def replay(self, letter: str | None, queue: str | None) -> int:
        with _database_faults():
            chosen = {row.id: row.queue for row in self._parked(queue) if letter in (None, _id(row))}
            again = (
                update(deliveries)
                .where(deliveries.c.id.in_(chosen), deliveries.c.parked_at.is_not(None))
                .values(parked_at=None, attempt=0, due_at=clock.now_us(), reason="")
            )
            with self._database.write() as connection:
                count = connection.execute(again).rowcount
        for woken in set(chosen.values()):
            self._wake(woken)
        return count

    def drop(self, letter: str) -> int:
        with _database_faults():
            chosen = [row.id for row in self._parked(None) if _id(row) == letter]
            # One that was given back meanwhile is no dead letter any more.
            gone = delete(deliveries).where(deliveries.c.id.in_(chosen), deliveries.c.parked_at.is_not(None))
            with self._database.write() as connection:
                return connection.execute(gone).rowcount

    def _parked(self, queue: str | None) -> Iterator[Row[Any]]:
        """The parked deliveries, oldest first; one at a time, since bodies may be large."""
        columns = deliveries.c
        query = select(columns.id).where(columns.parked_at.is_not(None)).order_by(columns.id)
        if queue is not None:
            query = query.where(columns.queue == queue)
        with self._database.read() as connection:
            ids = connection.scalars(query.limit(MAX_LISTED)).all()
            for id in ids:
                row = connection.execute(select(deliveries).where(columns.id == id)).one_or_none()
                if row is not None:
                    yield row


def _id(row: Row[Any]) -> str:
    return letter_id(row.queue, row.message, row.body)


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=_id(row),
        queue=row.queue,
        type=type_of(row.body),
        parked_at=clock.to_text(row.parked_at),
        attempts=row.attempt,
        reason=row.reason,
        content_type=row.content_type,
        size=len(row.body),
    )


@contextmanager
def _database_faults() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as fault:
        raise DeadLettersUnavailable(
            f"the bus's database refuses: {getattr(fault, 'orig', fault)}"
        ) from fault


# Over the socket of the running server


class ListLetters(Arguments):
    queue = fields.String(load_default=None, allow_none=True)


class ShowLetter(Arguments):
    id = fields.String(required=True)


class DropLetters(Arguments):
    id = fields.String(required=True)


class ReplayLetters(Arguments):
    id = fields.String(load_default=None, allow_none=True)
    queue = fields.String(load_default=None, allow_none=True)


def _list(parked: ParkedDeliveries, request: Request) -> Any:
    _may(request, "look at dead letters")
    return {"data": msgspec.to_builtins(parked.list(request.arguments["queue"]))}


def _show(parked: ParkedDeliveries, request: Request) -> Any:
    _may(request, "look at dead letters")
    return {"shown": msgspec.to_builtins(parked.show(request.arguments["id"]))}


def _replay(parked: ParkedDeliveries, request: Request) -> Any:
    _may(request, "replay dead letters")
    return {"replayed": parked.replay(request.arguments["id"], request.arguments["queue"])}


def _drop(parked: ParkedDeliveries, request: Request) -> Any:
    _may(request, "delete dead letters")
    return {"dropped": parked.drop(request.arguments["id"])}


def _may(request: Request, action: str) -> None:
    request.principal.require(action, OPERATOR)


SERVICE = Service(
    name=NAME,
    calls={
        "list": Call(_list, ListLetters),
        "show": Call(_show, ShowLetter),
        "replay": Call(_replay, ReplayLetters),
        "drop": Call(_drop, DropLetters),
    },
)
"""Its resources are the bus's `ParkedDeliveries`."""


class DeadLettersOfServer:
    """See `shared.messaging.dead_letters.DeadLetters`: those of the server that a client reaches."""

    def __init__(self, client: Client, tokens: ServiceTokens) -> None:
        self._client = client
        self._tokens = tokens

    def list(self, queue: str | None) -> builtins.list[DeadLetter]:
        return msgspec.convert(self._call("list", queue=queue)["data"], builtins.list[DeadLetter])

    def show(self, letter: str) -> ShownLetter | None:
        return msgspec.convert(self._call("show", id=letter)["shown"], ShownLetter | None)

    def replay(self, letter: str | None, queue: str | None) -> int:
        return int(self._call("replay", id=letter, queue=queue)["replayed"])

    def drop(self, letter: str) -> int:
        return int(self._call("drop", id=letter)["dropped"])

    def _call(self, method: str, **arguments: Any) -> Any:
        not_after = clock.deadline(ANSWER_SECONDS)
        return self._client.call(NAME, method, arguments, token=self._tokens.token(NAME), not_after=not_after)
