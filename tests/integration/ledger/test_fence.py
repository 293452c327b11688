"""Whatever happens to writer or database: nothing is lost, doubled or answered wrongly."""

import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import psycopg
import pytest

from services.ledger.journal.verify import verify
from services.ledger.kernel.decide import decide
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import State
from services.ledger.writer import store_postgres
from services.ledger.writer.calls import PendingCall
from services.ledger.writer.deciding import Decider
from services.ledger.writer.opening import open_store
from services.ledger.writer.store import Batch, FenceMissed, Partition, StoreError
from services.ledger.writer.writer import Writer
from shared.contracts import clock, ids
from shared.contracts.commands import Command, Outcome, Transfer
from shared.contracts.errors import Refusal
from tests.support.cluster import PrivateCluster
from tests.support.cutting import CuttingProxy
from tests.support.ledger import issue, open_account
from tests.support.waiting import wait_until
from tests.support.writing import Ledger, refused_as, running_ledger


class Background:
    """A call of the writer in a thread of its own."""

    def __init__(self, ledger: Ledger, commands: list[Transfer], seconds: float = 30) -> None:
        self.outcomes: list[Outcome] = []
        self._thread = threading.Thread(target=self._run, args=(ledger, commands, seconds))
        self._thread.start()

    def _run(self, ledger: Ledger, commands: list[Transfer], seconds: float) -> None:
        self.outcomes = ledger.decide(commands, seconds=seconds)

    def finish(self) -> list[Outcome]:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.outcomes


def _lead(writer: Writer) -> threading.Event:
    """Start another writer; the event tells when the fence of the given one is lost."""
    lost = threading.Event()
    writer.failed = lost.set
    return lost


def test_who_loses_the_fence_writes_and_answers_no_more(puma: Ledger) -> None:
    account = puma.account()
    lost = _lead(puma.writer)
    puma.execute("UPDATE partitions SET term = term + 1")
    (outcome,) = puma.decide([issue(account, 10)], seconds=0.5)
    assert refused_as(outcome) in ("outcome-unknown", "writer-unavailable")
    assert lost.wait(10)
    wait_until(lambda: not puma.writer.leading, 5, "the writer to have ended")
    assert refused_as(puma.decide([issue(account, 10)])[0]) == "writer-unavailable"
    assert puma.total(account) == 0


def _writes_once_it_leads(puma: Ledger, second: Writer, account: str) -> None:
    """It leads, takes a payment, and is stopped."""
    try:
        assert second.wait_until_leading(20)
        (outcome,) = puma.decide([issue(account, 10)], writer=second)
        assert outcome.view is not None
    finally:
        second.stop()


def test_a_second_writer_takes_over_when_the_first_ends(puma: Ledger) -> None:
    account = puma.account(issued=1)
    second = puma.new_writer()
    if not puma.database.is_sqlite:
        second.start()
        assert not second.wait_until_leading(0.3)
        puma.writer.stop()
    else:
        puma.writer.stop()
        second.start()
    _writes_once_it_leads(puma, second, account)
    assert puma.total(account) == 11


@pytest.mark.parametrize("read", ["load_recent", "next_account"])
def test_a_database_that_fails_once_its_partition_is_taken_over_is_asked_again(
    puma: Ledger, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = puma.account()
    puma.writer.stop()
    store = type(open_store(puma.url))
    answer, failures = getattr(store, read), count(1)

    def failing(self: Any, *asked: Any) -> Any:
        if next(failures) <= 2:
            raise StoreError(OSError("disk I/O error"), connection_lost=False)
        return answer(self, *asked)

    monkeypatch.setattr(store, read, failing)
    second = puma.new_writer()
    second.start()
    _writes_once_it_leads(puma, second, account)


@pytest.mark.parametrize("size", [1, 600])
def test_a_frozen_partition_takes_no_changes_until_it_is_free_again(puma: Ledger, size: int) -> None:
    account = puma.account(issued=1)
    puma.execute("UPDATE partitions SET frozen = TRUE")
    commands = [issue(account, 10) for _ in range(size)]
    assert {refused_as(outcome) for outcome in puma.decide(commands)} == {"partition-frozen"}
    puma.execute("UPDATE partitions SET frozen = FALSE")
    assert all(outcome.view is not None for outcome in puma.decide(commands))
    assert puma.total(account) == 1 + 10 * size


@pytest.mark.parametrize("size", [1, 600])
def test_a_freeze_that_is_lifted_while_it_is_looked_at_costs_nothing(
    puma: Ledger, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = puma.account(issued=1)
    store = type(open_store(puma.url))
    read = store.read_partition

    def lifted(self: Any, partition: int) -> Partition | None:
        puma.execute("UPDATE partitions SET frozen = FALSE")
        return read(self, partition)

    monkeypatch.setattr(store, "read_partition", lifted)
    puma.execute("UPDATE partitions SET frozen = TRUE")
    outcomes = puma.decide([issue(account, 10) for _ in range(size)])
    assert all(outcome.view is not None for outcome in outcomes)
    assert puma.total(account) == 1 + 10 * size


def test_who_cannot_write_though_its_row_stands_gives_up(
    puma: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = puma.account()
    lost = _lead(puma.writer)
    store = type(open_store(puma.url))

    def missed(self: Any, batch: Batch) -> None:
        raise FenceMissed

    monkeypatch.setattr(store, "send", lambda self, batch: False)
    monkeypatch.setattr(store, "write", missed)
    (outcome,) = puma.decide([issue(account, 10)], seconds=0.5)
    assert refused_as(outcome) in ("outcome-unknown", "writer-unavailable")
    assert lost.wait(10)


def test_a_clock_that_is_far_behind_stops_writing(puma: Ledger) -> None:
    account = puma.account()
    offset = -61 * clock.MICROSECONDS
    behind = puma.new_writer(now_us=lambda: clock.now_us() + offset)
    puma.writer.stop()
    behind.start()
    try:
        assert behind.wait_until_leading(20)
        command = issue(account, 10)
        assert refused_as(puma.decide([command], writer=behind)[0]) == "clock-behind"
        offset = -30 * clock.MICROSECONDS
        (outcome,) = puma.decide([command], writer=behind)
    finally:
        behind.stop()
    assert outcome.view is not None
    last = _last_recorded_at(puma)
    assert clock.from_text(outcome.view["recorded_at"]) == last


@pytest.mark.parametrize("size", [1, 600])
def test_a_deadline_that_passes_between_decision_and_writing_is_kept(
    puma: Ledger, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = puma.account(issued=1)
    decide_batch = Decider.decide
    offset = 0

    def slowly(self: Decider, calls: list[PendingCall], clock_us: int) -> Batch:
        nonlocal offset
        batch = decide_batch(self, calls, clock_us)
        offset += 30 * clock.MICROSECONDS
        return batch

    monkeypatch.setattr(Decider, "decide", slowly)
    puma.writer.stop()
    slow = puma.new_writer(now_us=lambda: clock.now_us() + offset)
    slow.start()
    try:
        assert slow.wait_until_leading(20)
        commands = [issue(account, 10) for _ in range(size)]
        outcomes = puma.decide(commands, writer=slow, seconds=20)
        assert {refused_as(outcome) for outcome in outcomes} == {"late"}
        assert puma.total(account) == 1
        # The same takes as long, and has the time.
        outcomes = puma.decide(commands, writer=slow, seconds=300)
        assert all(outcome.view is not None and not outcome.replayed for outcome in outcomes)
    finally:
        slow.stop()
    assert puma.total(account) == 1 + 10 * size
    assert verify(puma.database, 0).sound


@pytest.mark.parametrize("size", [1, 600])
def test_a_machine_that_slept_while_a_batch_was_written_commits_none_of_it(
    puma: Ledger, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = puma.account(issued=1)
    # Opening an account takes PostgreSQL a transaction, however small the batch.
    commands: list[Command] = [open_account(ids.new_id())]
    commands += [issue(account, 1) for _ in range(size)]
    moments = count(0, 20)
    monkeypatch.setattr(clock, "elapsed", lambda: next(moments))
    assert {refused_as(outcome) for outcome in puma.decide(commands)} == {"writer-unavailable"}
    monkeypatch.undo()
    assert puma.total(account) == 1
    assert all(outcome.view is not None for outcome in puma.decide(commands))
    assert puma.total(account) == 1 + size


def _last_recorded_at(ledger: Ledger) -> int:
    with ledger.database.read() as connection:
        row = connection.exec_driver_sql(
            "SELECT recorded_at FROM journal ORDER BY sequence DESC LIMIT 2"
        ).all()
    assert row[0] == row[1], "time of recording stands still while the clock is behind"
    return int(row[0][0])


def test_a_database_that_refuses_leaves_nothing_half_done(puma: Ledger) -> None:
    account = puma.account(issued=1)
    command = issue(account, 10)
    puma.execute("ALTER TABLE entries RENAME TO hidden")
    assert refused_as(puma.decide([command])[0]) == "writer-unavailable"
    puma.execute("ALTER TABLE hidden RENAME TO entries")
    assert puma.writer.leading
    puma.view(command)
    assert puma.total(account) == 11


@pytest.mark.parametrize("size", [1, 100, 600])
def test_a_balance_that_is_gone_stops_what_would_change_it(puma: Ledger, size: int) -> None:
    lost, kept = puma.account(issued=1), puma.account(issued=1)
    puma.execute("DELETE FROM balances WHERE account = 2")
    outcomes = puma.decide([issue(lost, 10) for _ in range(size)])
    assert {refused_as(outcome) for outcome in outcomes} == {"internal-error"}
    puma.view(issue(kept, 10))
    assert puma.total(kept) == 11
    with puma.database.read() as connection:
        records = connection.exec_driver_sql("SELECT count(*) FROM journal").scalar()
    assert records == 6


def test_a_mistake_of_ours_takes_only_its_own_call(puma: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    account = puma.account()
    poison = issue(account, 13)

    def mistaken(state: State, command: Command, *rest: Any) -> Record | Refusal:
        if command.id == poison.id:
            raise ZeroDivisionError
        return decide(state, command, *rest)

    monkeypatch.setattr("services.ledger.writer.deciding.decide", mistaken)
    calls = [Background(puma, [issue(account, 1)]) for _ in range(5)]
    bad = Background(puma, [poison])
    calls += [Background(puma, [issue(account, 1)]) for _ in range(5)]
    assert refused_as(bad.finish()[0]) == "internal-error"
    assert all(call.finish()[0].view is not None for call in calls)
    assert puma.total(account) == 10


def test_a_mistake_of_ours_leaves_nothing_of_what_was_written_ahead(
    puma: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = puma.account(issued=1)
    commands = [issue(account, 1) for _ in range(600)]
    mistakes = [commands[599].id]

    def mistaken(state: State, command: Command, *rest: Any) -> Record | Refusal:
        if command.id in mistakes:
            raise ZeroDivisionError
        return decide(state, command, *rest)

    monkeypatch.setattr("services.ledger.writer.deciding.decide", mistaken)
    assert {refused_as(outcome) for outcome in puma.decide(commands)} == {"internal-error"}
    assert puma.total(account) == 1
    mistakes.clear()
    assert all(outcome.view is not None for outcome in puma.decide(commands))
    assert puma.total(account) == 601
    assert verify(puma.database, 0).sound


@pytest.mark.distributed
def test_what_took_too_long_to_write_is_not_committed(
    cluster: PrivateCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_ledger(cluster.create_database("slow_ledger")) as ledger:
        ledger.currency()
        account = ledger.account(issued=1)
        commands = [issue(account, 1) for _ in range(600)]
        monkeypatch.setattr(store_postgres, "TRANSACTION_SECONDS", 0.0)
        assert {refused_as(outcome) for outcome in ledger.decide(commands)} == {"writer-unavailable"}
        monkeypatch.undo()
        assert ledger.total(account) == 1
        assert all(outcome.view is not None for outcome in ledger.decide(commands))
        assert ledger.total(account) == 601
    cluster.drop_database("slow_ledger")


@pytest.fixture
def cut(cluster: PrivateCluster) -> Iterator[tuple[Ledger, CuttingProxy]]:
    """A ledger on PostgreSQL whose writer's connection can be cut."""
    if not cluster.is_private:
        pytest.skip("the given server's port is not ours to stand before")
    url = cluster.create_database("cut_ledger")
    with CuttingProxy(cluster.port) as proxy:
        ledger = Ledger(url)
        ledger.writer = Writer(url.replace(str(cluster.port), str(proxy.port)), 0, ledger.verifier)
        try:
            ledger.start()
            ledger.currency()
            yield ledger, proxy
        finally:
            ledger.close()
            cluster.drop_database("cut_ledger")


@pytest.mark.distributed
@pytest.mark.parametrize("answered", [True, False], ids=["committed", "not-committed"])
@pytest.mark.parametrize(
    ("size", "at"),
    [(1, b"transfer.posted"), (100, b"transfer.posted"), (600, b"transfer.posted"), (600, b"COMMIT")],
    ids=["single", "small", "ahead", "large"],
)
def test_a_commit_without_an_answer_is_looked_up(
    cut: tuple[Ledger, CuttingProxy], answered: bool, size: int, at: bytes
) -> None:
    ledger, proxy = cut
    account = ledger.account()
    commands = [issue(account, 1) for _ in range(size)]
    proxy.cut_at(at, answered=answered)
    outcomes = ledger.decide(commands)
    assert proxy.cuts == 1
    assert all(outcome.view is not None for outcome in outcomes)
    sequences = [outcome.view["sequence"] for outcome in outcomes if outcome.view]
    assert sequences == list(range(sequences[0], sequences[0] + size))
    assert ledger.total(account) == size
    assert all(outcome.replayed for outcome in ledger.decide(commands))
    assert ledger.writer.leading
    assert verify(ledger.database, 0).sound


@pytest.mark.distributed
def test_who_waits_no_longer_is_told_where_the_outcome_will_stand(cut: tuple[Ledger, CuttingProxy]) -> None:
    ledger, _ = cut
    account = ledger.account()
    command = issue(account, 10)
    with psycopg.connect(ledger.url.replace("+psycopg", "")) as holding:
        holding.execute("SELECT * FROM partitions FOR UPDATE")
        (outcome,) = ledger.decide([command], seconds=0.3)
        assert refused_as(outcome) == "outcome-unknown"
        assert outcome.refusal is not None
        assert outcome.refusal["parameters"]["address"] == f"/api/v1/transfers/{command.id}"
    (again,) = ledger.decide([command])
    assert again.view is not None
    assert ledger.total(account) == 10


@pytest.mark.faults
def test_the_writer_outlives_its_database(cut: tuple[Ledger, CuttingProxy], cluster: PrivateCluster) -> None:
    ledger, _ = cut
    account = ledger.account(issued=1)
    cluster.kill()
    waiting = Background(ledger, [issue(account, 10)])
    cluster.start()
    assert waiting.finish()[0].view is not None
    assert ledger.total(account) == 11
