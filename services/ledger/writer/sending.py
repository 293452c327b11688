"""Batches on their way to PostgreSQL: each is one statement and a transaction of its own, and the next may be
sent before the last one's answer is here.

    send(1)  send(2)  receive(1)  send(3)  receive(2) ...

psycopg offers this for statements of one transaction only, so libpq's pipeline is used as it is: a Sync after
each statement ends its transaction, and the server answers a Sync once the commit is safe.
"""

import re
from collections import deque
from collections.abc import Mapping
from struct import Struct
from typing import Any

import psycopg
from psycopg import generators
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

_TYPES = {str: "text", bytes: "bytea", int: "bigint"}
"""Of parameters that the statement itself does not cast."""
_BINARY = 1
_NAME = "sending"
"""Under which the server has the statement prepared."""
_NOT_PREPARED = "26000"
"""The state (SQLSTATE) of a prepared statement that the server does not know."""

_parameter = re.compile(r"%\((\w+)\)[sb]")
_bigint = Struct("!q").pack


class Sending:
    """Sends one statement again and again over a connection, which nobody else uses in the meantime: `settle`
    comes before anything else that is asked of it.

    `statement` has named parameters as psycopg takes them. Every method may raise psycopg.Error.
    """

    def __init__(self, connection: psycopg.Connection[Any], statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._parameters = tuple(dict.fromkeys(_parameter.findall(statement)))
        self._prepared = False
        self._sent = 0
        """How many have not been answered."""
        self._answers: deque[PGresult] = deque()
        """What nobody has received yet."""

    def send(self, values: Mapping[str, Any]) -> None:
        """Have the server execute the statement with these values, and do not wait for it."""
        if not self._prepared:
            self._prepare(values)
        libpq = self._connection.pgconn
        encoded = [_encode(values[name]) for name in self._parameters]
        if not self._sent:
            libpq.enter_pipeline_mode()
        libpq.send_query_prepared(_NAME.encode(), encoded, [_BINARY] * len(encoded), _BINARY)
        libpq.pipeline_sync()
        self._sent += 1
        self._connection.wait(generators.send(libpq))

    def receive(self) -> int:
        """The whole number that the oldest statement came to, once it is committed; raises its error where it
        was not.
        """
        if not self._answers:
            self._wait_for_one()
        answer = self._answers.popleft()
        if answer.status != ExecStatus.TUPLES_OK:
            error = _error(answer)
            # Whatever else it is, the server keeps the statement, and would keep each that is prepared after.
            if error.sqlstate == _NOT_PREPARED:
                self._prepared = False
            raise error
        value = answer.get_value(0, 0)
        assert value is not None
        return int.from_bytes(value, "big", signed=True)

    def settle(self) -> None:
        """Wait until all that was sent is answered, so that the connection is free."""
        while self._sent:
            self._wait_for_one()

    def forget(self) -> None:
        """Wait until all that was sent is answered, and keep none of the answers."""
        self.settle()
        self._answers.clear()

    def prepare_anew(self) -> None:
        """To be called when a transaction was rolled back: psycopg then has the server forget everything that
        was prepared.
        """
        self._prepared = False

    def _prepare(self, values: Mapping[str, Any]) -> None:
        self.settle()
        numbers = {name: f"${number}" for number, name in enumerate(self._parameters, 1)}
        text = _parameter.sub(lambda found: numbers[found[1]], self._statement)
        types = ", ".join(_TYPES.get(type(values[name]), "unknown") for name in self._parameters)
        # After the query psycopg has the server forget what is to be forgotten, which may not be all.
        if self._connection.execute("SELECT FROM pg_prepared_statements WHERE name = %s", (_NAME,)).rowcount:
            self._connection.execute(f"DEALLOCATE {_NAME}")
        self._connection.execute(f"PREPARE {_NAME} ({types}) AS {text}")
        self._prepared = True

    def _wait_for_one(self) -> None:
        libpq = self._connection.pgconn
        answer: PGresult | None = None
        while True:
            result = self._connection.wait(generators.fetch(libpq))
            if libpq.status != ConnStatus.OK:
                raise psycopg.OperationalError("the connection was lost")
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                break
            # What fails when the transaction is committed is told after what the statement came to.
            if answer is None or answer.status == ExecStatus.TUPLES_OK:
                answer = result
        assert answer is not None
        self._answers.append(answer)
        self._sent -= 1
        if not self._sent:
            libpq.exit_pipeline_mode()


def _encode(value: str | bytes | int) -> bytes:
    if isinstance(value, int):
        return _bigint(value)
    return value.encode() if isinstance(value, str) else value


def _error(result: PGresult) -> psycopg.Error:
    state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    message = result.get_error_message()
    try:
        return psycopg.errors.lookup(state)(message)
    except KeyError:
        return psycopg.OperationalError(message)
