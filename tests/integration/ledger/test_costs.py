"""What payments and pages cost, in numbers that do not depend on the machine: statements, round trips, calls,
bytes.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from deploy.embedded import Embedded
from gateway.app import close, create_app
from gateway.recent import Recent
from gateway.sessions import SessionTokens
from gateway.wiring import NAME
from shared import config as configuration
from shared.auth.principal import MEMBER
from shared.contracts import ids
from shared.messaging.client import ReadingClient
from shared.messaging.coalescing import CoalescingWriter
from tests.support.api import money, transfer
from tests.support.cluster import PrivateCluster
from tests.support.commands import medtown
from tests.support.ledger import issue, open_account, pay
from tests.support.waiting import wait_until
from tests.support.writing import Ledger, running_ledger

BYTES_A_TRANSFER = 800
MEASURED = 4_000
ACCOUNTS = 500
ONE_TRIP = ("ReadyForQuery", "CopyInResponse")
"""What the server says when it has done what it was asked for and waits."""
PASSWORD = "correct horse battery"

# A batch is written by one statement, or by a transaction: BEGIN; in one trip the lock, and seven pieces of
# records and entries, each with its balances; the fence; COMMIT.
BATCHES = {1: (1, 1), 32: (1, 1), 150: (1, 1), 1_000: (18, 4)}
"""Commands in a batch; the statements and the round trips that they take."""

CALLS = {
    "/": 4,
    "/wallet": 6,
    "/impact/PUMA": 6,
    "/currencies/PUMA/charter": 3,
    "/groups": 2,
    "/documents": 2,
}
"""Pages, and the calls of services that each takes where nothing is remembered, signing in included."""


class Trace:
    """What goes between a connection and its server, as libpq tells it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._read = 0

    def begin(self, connection: psycopg.Connection[Any]) -> None:
        connection.pgconn.trace(self._file.fileno())

    def since(self) -> Counter[str]:
        """How often each message was sent or received since this was last asked."""
        lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        seen, self._read = lines[self._read :], len(lines)
        return Counter(
            message for line in seen for message in (*ONE_TRIP, "Execute", "Query") if _names(line, message)
        )

    def close(self) -> None:
        self._file.close()


def _names(line: str, message: str) -> bool:
    """Whether a line of the trace (time, who, length, message, content) is of such a message."""
    return message in line.split("\t")[1:4]


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trace]:
    """Follows the connection that psycopg opened last."""
    trace, connect = Trace(tmp_path / "trace"), psycopg.connect

    def connect_traced(*arguments: Any, **options: Any) -> psycopg.Connection[Any]:
        connection = connect(*arguments, **options)
        trace.begin(connection)
        return connection

    monkeypatch.setattr(psycopg, "connect", connect_traced)
    yield trace
    trace.close()


@pytest.fixture
def on_postgres(cluster: PrivateCluster) -> Iterator[Ledger]:
    name = f"costs_{ids.new_id()[-12:]}"
    with running_ledger(cluster.create_database(name)) as ledger:
        ledger.currency()
        yield ledger
    cluster.drop_database(name)


@pytest.mark.distributed
def test_a_batch_takes_a_fixed_number_of_round_trips(traced: Trace, on_postgres: Ledger) -> None:
    holder = ids.new_id()
    payer, payee = on_postgres.account(holder, issued=10_000), on_postgres.account()
    token = on_postgres.token(holder, MEMBER)
    found = {}
    # Statements are prepared once they have come five times.
    for size in [*BATCHES] * 7:
        traced.since()
        outcomes = on_postgres.decide([pay(payer, payee, 1) for _ in range(size)], token)
        assert all(outcome.view for outcome in outcomes)
        messages = traced.since()
        trips = sum(messages[message] for message in ONE_TRIP)
        found[size] = (messages["Execute"] + messages["Query"], trips)
    assert found == BATCHES


@pytest.mark.distributed
def test_what_a_transfer_takes_in_the_database(on_postgres: Ledger) -> None:
    holder = ids.new_id()
    token = on_postgres.token(holder, MEMBER)
    opened = [open_account(holder) for _ in range(ACCOUNTS)]
    on_postgres.decide([*opened, *(issue(account.id, 10_000) for account in opened)])
    before, chance = _bytes(on_postgres), random.Random(1)
    for _ in range(0, MEASURED, 1_000):
        pairs = (chance.sample(opened, 2) for _ in range(1_000))
        on_postgres.decide([pay(payer.id, payee.id, 1) for payer, payee in pairs], token)
    assert (_bytes(on_postgres) - before) / MEASURED <= BYTES_A_TRANSFER


def _bytes(ledger: Ledger) -> int:
    """What the tables that grow with transfers take, with their indexes."""
    with ledger.database.read() as connection:
        size = connection.exec_driver_sql(
            "SELECT sum(pg_total_relation_size(name)) "
            "FROM unnest(ARRAY['journal', 'entries', 'notes', 'refusals']::regclass[]) name"
        ).scalar_one()
    return int(size)


class CountedClient:
    """The services of this process, with the calls that are asked of them."""

    def __init__(self, client: ReadingClient) -> None:
        self._client = client
        self.calls: list[str] = []

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
        kind: Any = None,
    ) -> Any:
        self.calls.append(f"{service}.{method}")
        return self._client.call(service, method, arguments, token=token, not_after=not_after, kind=kind)

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[tuple[CountedClient, Flask]]:
    """A whole installation in this process, behind its real gateway, with an administrator."""
    variables = {"MEDTOWN_DATA": str(tmp_path / "data"), "MEDTOWN_DEMO": "off"}
    arguments = ("create-admin", "--email", "a@example.org", "--name", "A", "--password-stdin")
    done = medtown(*arguments, environment=variables, stdin=PASSWORD + "\n")
    assert done.code == 0, done
    config = configuration.load(variables)
    embedded = Embedded(config)
    embedded.start()
    client = CountedClient(embedded.client)
    writer = CoalescingWriter(client, 0)
    app = create_app(config, client, writer)
    try:
        yield client, app
    finally:
        writer.close()
        close(app)
        embedded.stop()


@pytest.mark.embedded
def test_what_pages_and_payments_ask_of_the_services(counted: tuple[CountedClient, Flask]) -> None:
    client, app = counted
    door = app.test_client()
    ask = _asking(door)
    signed_in = ask("sessions", email="a@example.org", password=PASSWORD)
    door.set_cookie("medtown_session", signed_in["session"])
    ask = _asking(door, signed_in["session"])
    created = {"code": "PUMA", "names": {"en": "Puma"}, "minor_units": 100, "kind": "backed"}
    ask("currencies", **created, territory="seville")
    holder = signed_in["person"]["id"]
    payer, payee = (
        ask("accounts", currency="PUMA", kind="member", holder=each)["id"] for each in (holder, ids.new_id())
    )
    given = money(1_000, "PUMA")
    ask("transfers", id=ids.new_id(), kind="issuance", payee=payer, amount=given)

    figures = "/api/v1/indicators/supply?currency=PUMA&period=all"
    wait_until(lambda: door.get(figures).status_code == 200, 20, "the dashboard to know the currency")
    found = {page: _calls(client, app, partial(door.get, page)) for page in CALLS}
    assert found == CALLS
    body = transfer(payer, payee, 1, "PUMA")
    assert _calls(client, app, lambda: ask("transfers", **body)) == 2


def _asking(door: FlaskClient, session: str = "") -> Callable[..., Any]:
    headers = {"Authorization": f"Bearer {session}"} if session else {}

    def ask(path: str, **body: Any) -> Any:
        answer = door.post(f"/api/v1/{path}", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json

    return ask


def _calls(client: CountedClient, app: Flask, request: Callable[[], Any]) -> int:
    """How many calls a request takes of a gateway that remembers nothing."""
    app.extensions[NAME] = replace(app.extensions[NAME], sessions=SessionTokens(client), recent=Recent())
    client.calls.clear()
    answer = request()
    assert getattr(answer, "status_code", 200) == 200, answer.text
    return len(client.calls)
