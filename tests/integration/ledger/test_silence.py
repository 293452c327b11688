"""A leader that shows no life loses its connection, and with it the lead; one that is idle keeps both."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from services.ledger.journal.verify import verify
from services.ledger.kernel.decide import decide
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import State
from services.ledger.writer import store_postgres, writer
from shared.contracts.commands import Command
from shared.contracts.errors import Refusal
from tests.support.cluster import PrivateCluster
from tests.support.ledger import issue
from tests.support.waiting import wait_until
from tests.support.writing import SERVICE_FOLDER, Ledger, refused_as, running_ledger

pytestmark = pytest.mark.distributed

SILENT_SECONDS = 0.5
WAIT_SECONDS = 20.0
FOREVER_SECONDS = 3600.0
LEADER = """
    SELECT a.pid, extract(epoch FROM clock_timestamp() - a.backend_start)::float8
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
"""


@pytest.fixture
def ledger(
    cluster: PrivateCluster,
    migrated_databases: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Ledger]:
    """Its server is impatient; its leader shows life as often as the test wants."""
    monkeypatch.setattr(store_postgres, "SILENT_SECONDS", SILENT_SECONDS)
    monkeypatch.setattr(writer, "LIFE_SECONDS", getattr(request, "param", SILENT_SECONDS / 5))
    url = cluster.create_database("silent_ledger", template=migrated_databases(SERVICE_FOLDER))
    with running_ledger(url) as running:
        running.currency()
        yield running
    cluster.drop_database("silent_ledger")


def ask(ledger: Ledger, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(ledger.url.replace("+psycopg", ""), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def test_an_idle_leader_keeps_leading(ledger: Ledger) -> None:
    [(leader, _)] = ask(ledger, LEADER)
    lost = threading.Event()
    ledger.writer.failed = lost.set
    second = ledger.new_writer()
    second.start()
    try:
        wait_until(lambda: ask(ledger, LEADER)[0][1] > 4 * SILENT_SECONDS, WAIT_SECONDS, "time to pass")
        assert [pid for pid, _ in ask(ledger, LEADER)] == [leader]
        assert ledger.writer.leading
        assert not second.leading
        assert ledger.account(issued=1)
        assert not lost.is_set()
    finally:
        second.stop()


@pytest.mark.parametrize("ledger", [FOREVER_SECONDS], indirect=True)
def test_another_writer_takes_over_from_a_leader_that_shows_no_life(ledger: Ledger) -> None:
    account = ledger.account(issued=1)
    lost = threading.Event()
    ledger.writer.failed = lost.set
    second = ledger.new_writer()
    second.start()
    try:
        assert second.wait_until_leading(WAIT_SECONDS)
        assert ledger.writer.leading, "it does not know yet"
        (outcome,) = ledger.decide([issue(account, 10)], writer=second)
        assert outcome.view is not None
        (outcome,) = ledger.decide([issue(account, 100)], seconds=0.5)
        assert refused_as(outcome) in ("writer-unavailable", "outcome-unknown")
        assert lost.wait(WAIT_SECONDS)
        assert refused_as(ledger.decide([issue(account, 100)])[0]) == "writer-unavailable"
        assert ledger.total(account) == 11
        assert verify(ledger.database, 0).sound
    finally:
        second.stop()


def test_another_writer_takes_over_from_a_leader_that_stands_still_in_the_middle_of_a_batch(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = ledger.account(issued=1)
    commands = [issue(account, 1) for _ in range(600)]
    stands_still, goes_on = threading.Event(), threading.Event()

    def slow(state: State, command: Command, *rest: Any) -> Record | Refusal:
        if command.id == commands[400].id and not stands_still.is_set():
            stands_still.set()
            assert goes_on.wait(WAIT_SECONDS)
        return decide(state, command, *rest)

    monkeypatch.setattr("services.ledger.writer.deciding.decide", slow)
    lost = threading.Event()
    ledger.writer.failed = lost.set
    caller = threading.Thread(target=ledger.decide, args=(commands,), kwargs={"seconds": 1})
    caller.start()
    second = ledger.new_writer()
    try:
        assert stands_still.wait(WAIT_SECONDS)
        second.start()
        assert second.wait_until_leading(WAIT_SECONDS)
        (outcome,) = ledger.decide([issue(account, 10)], writer=second)
        assert outcome.view is not None
        goes_on.set()
        assert lost.wait(WAIT_SECONDS)
        assert ledger.total(account) == 11
        assert verify(ledger.database, 0).sound
        (again, *_) = ledger.decide(commands, writer=second)
        assert again.view is not None
        assert not again.replayed
    finally:
        goes_on.set()
        second.stop()
        caller.join(WAIT_SECONDS)


def test_an_idle_leader_that_loses_its_connection_goes_on_by_itself(ledger: Ledger) -> None:
    [(before, _)] = ask(ledger, LEADER)
    ask(ledger, f"SELECT pg_terminate_backend({before})")

    def leads_again() -> bool:
        return [pid for pid, _ in ask(ledger, LEADER)] not in ([], [before])

    wait_until(leads_again, WAIT_SECONDS, "the leader to have connected again")
    assert ledger.writer.leading
    assert ledger.account(issued=1)


def test_the_patience_of_the_server_is_longer_than_a_leader_is_silent(cluster: PrivateCluster) -> None:
    assert writer.LIFE_SECONDS * 3 <= store_postgres.SILENT_SECONDS
    url = cluster.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url, options=store_postgres._options()) as connection:
        for name in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == ("10s",)
