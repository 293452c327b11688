"""Batches that are on their way together: nobody is answered before it is safe, and whatever becomes of the
first one, every command is done once or not at all.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from services.ledger.journal.verify import verify
from services.ledger.kernel.recall import recall
from services.ledger.kernel.state import Known, State
from services.ledger.writer.calls import Item, PendingCall
from services.ledger.writer.committing import Committer
from services.ledger.writer.fence import Fence, FenceLost
from services.ledger.writer.opening import open_store
from services.ledger.writer.store_postgres import PostgresStore
from shared.auth.principal import Principal
from shared.contracts import clock, ids
from shared.contracts.commands import Command, Outcome, TagAccount
from tests.support.cluster import PrivateCluster
from tests.support.ledger import FAR_FUTURE, OPERATOR_PRINCIPAL, issue, member, open_account, pay
from tests.support.writing import Ledger, refused_as, running_ledger

pytestmark = pytest.mark.distributed


class Town:
    """Three accounts, the first one's holder, and a committer that leads the partition."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        ledger.currency()
        holder = ids.new_id()
        self.payer = ledger.account(holder, issued=100)
        self.shop, self.other = ledger.account(), ledger.account()
        self.holder = member(holder)
        ledger.writer.stop()
        store = open_store(ledger.url)
        fence = Fence(store, 0, threading.Event())
        self.ahead_us = 0
        """How far the committer's clock is ahead of the real one."""
        self.committer = Committer(store, fence, fence.take_over(), lambda: clock.now_us() + self.ahead_us)
        self.store = store
        # What is loaded later would wait for what is on its way.
        self.give(pay(self.payer, self.shop, 1), pay(self.payer, self.other, 1), late=True)

    def give(self, *commands: Command, who: Principal | None = None, late: bool = False) -> PendingCall:
        """Have commands decided; a payer's holder gives payments, an operator all else."""
        giver = who or (self.holder if getattr(commands[0], "kind", "") == "payment" else OPERATOR_PRINCIPAL)
        return self.give_until(0 if late else FAR_FUTURE, *commands, who=giver)

    def give_until(self, not_after: int, *commands: Command, who: Principal) -> PendingCall:
        """Have commands decided that have this deadline."""
        items = [Item(place, command, who, not_after) for place, command in enumerate(commands)]
        call = PendingCall(items, [None] * len(items))
        self.committer.process([call])
        return call

    def pay(self, amount: int, payee: str = "") -> PendingCall:
        return self.give(pay(self.payer, payee or self.shop, amount))

    def finish(self) -> None:
        while self.committer.sent:
            self.committer.confirm()

    def totals(self) -> tuple[int, ...]:
        return tuple(self.ledger.total(account) for account in (self.payer, self.shop, self.other))

    def connection(self) -> psycopg.Connection[Any]:
        """The committer's own, which must be at rest."""
        assert isinstance(self.store, PostgresStore)
        return self.store._opened()

    def prepared(self) -> int:
        """How many statements the server keeps for the committer, beside those that psycopg prepares."""
        query = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql"
        (row,) = self.connection().execute(query).fetchall()
        return int(row[0])

    @contextmanager
    def held_up(self) -> Iterator[psycopg.Connection[Any]]:
        """Within, the database does nothing of what it is sent."""
        with psycopg.connect(self.ledger.url.replace("+psycopg", "")) as connection:
            connection.execute("SELECT FROM partitions FOR UPDATE")
            yield connection


@pytest.fixture
def town(cluster: PrivateCluster) -> Iterator[Town]:
    name = f"sending_{ids.new_id()[-12:]}"
    with running_ledger(cluster.create_database(name)) as ledger:
        town = Town(ledger)
        yield town
        town.store.close()
        assert verify(ledger.database, 0).sound
    cluster.drop_database(name)


def _outcome(call: PendingCall) -> Outcome:
    (outcome,) = call.answers()
    return outcome


def test_a_batch_is_decided_upon_the_last_one_and_answered_after_it(town: Town) -> None:
    with town.held_up():
        first, second = town.pay(60), town.pay(40, town.other)
        assert town.committer.sent == 2
        assert not first.wait(0)
    town.committer.confirm()
    assert first.wait(0)
    assert not second.wait(0)
    town.committer.confirm()
    assert second.wait(0)
    assert [_outcome(call).view["amount"]["amount"] for call in (first, second)] == [60, 40]  # type: ignore[index]
    assert town.totals() == (0, 60, 40)


def test_a_refusal_that_follows_from_what_is_on_its_way_comes_after_it(town: Town) -> None:
    first, second = town.pay(60), town.pay(60)
    assert town.committer.sent == 0
    assert first.wait(0)
    assert second.wait(0)
    assert refused_as(_outcome(second)) == "insufficient-balance"


def test_what_has_nothing_to_write_waits_for_what_is_on_its_way(town: Town) -> None:
    first, second = town.pay(60), town.give(pay(town.payer, town.shop, 1), late=True)
    assert town.committer.sent == 2
    assert not second.wait(0)
    town.finish()
    assert first.wait(0)
    assert second.wait(0)
    assert refused_as(_outcome(second)) == "late"


def test_a_command_that_comes_again_while_it_is_on_its_way_is_done_once(town: Town) -> None:
    command = pay(town.payer, town.shop, 10)
    first, second = town.give(command), town.give(command)
    town.finish()
    assert _outcome(first).view == _outcome(second).view
    assert (_outcome(first).replayed, _outcome(second).replayed) == (False, True)
    assert town.totals() == (90, 10, 0)


def test_what_opens_accounts_or_changes_them_waits_for_what_is_on_its_way(town: Town) -> None:
    calls = [town.pay(1), town.give(open_account(ids.new_id())), town.pay(1)]
    calls += [town.give(TagAccount(id=ids.new_id(), account=town.shop, category="food")), town.pay(1)]
    calls.append(town.give(*(issue(town.other, 1) for _ in range(400))))
    town.finish()
    assert all(outcome.refusal is None for call in calls for outcome in call.answers())
    assert town.totals() == (97, 3, 400)


def test_a_deadline_that_passes_while_the_last_batch_is_committed_is_kept(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = town.store.confirm

    def slowly() -> None:
        confirm()
        town.ahead_us += 90 * clock.MICROSECONDS

    monkeypatch.setattr(town.store, "confirm", slowly)
    first = town.pay(10)
    assert town.committer.sent == 1
    # A large batch waits for those on their way once it is decided.
    large = [issue(town.other, 1) for _ in range(400)]
    second = town.give_until(clock.deadline(60), *large, who=OPERATOR_PRINCIPAL)
    assert _outcome(first).view is not None
    assert {refused_as(outcome) for outcome in second.answers()} == {"late"}
    assert town.totals() == (90, 10, 0)


@pytest.mark.parametrize("lines", [1, 3])
def test_where_the_first_cannot_be_written_the_second_is_done_again(town: Town, lines: int) -> None:
    town.ledger.execute("DELETE FROM balances WHERE account = 3")
    first = town.give(*(pay(town.payer, town.shop, 10) for _ in range(lines)))
    second = town.pay(20, town.other)
    town.finish()
    assert {refused_as(outcome) for outcome in first.answers()} == {"internal-error"}
    assert _outcome(second).view is not None
    town.ledger.execute("INSERT INTO balances (account, balance, bucket) VALUES (3, 0, '')")
    assert town.totals() == (80, 0, 20)


def test_what_fails_with_the_commit_is_not_taken_for_done(town: Town) -> None:
    """The server says what a statement came to before its transaction is committed."""
    town.ledger.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.sequence = 7 THEN RAISE 'not this one'; END IF; RETURN NULL; END $$"
    )
    town.ledger.execute(
        "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    calls = [town.pay(10), town.pay(20), town.pay(40, town.other)]
    town.finish()
    assert town.totals() == (90, 10, 0)
    assert [refused_as(_outcome(call)) for call in calls[1:]] == ["writer-unavailable"] * 2
    town.ledger.execute("DROP TRIGGER refused ON journal")
    assert _outcome_of(town, town.pay(20)).view is not None


def test_the_statement_is_prepared_once_however_many_batches_fail(town: Town) -> None:
    town.pay(1)
    town.finish()
    town.ledger.execute("ALTER TABLE entries RENAME TO hidden")
    for _ in range(3):
        call = town.pay(1)
        town.finish()
        assert refused_as(_outcome(call)) == "writer-unavailable"
    town.ledger.execute("ALTER TABLE hidden RENAME TO entries")
    assert _outcome_of(town, town.pay(1)).view is not None
    assert town.prepared() == 1


def test_what_is_taken_back_leaves_no_statement_behind(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        assert _outcome_of(town, town.pay(1)).view is not None
        with monkeypatch.context() as patch:
            patch.setattr("services.ledger.writer.store_postgres.TRANSACTION_SECONDS", 0.0)
            call = town.give(*(issue(town.other, 1) for _ in range(400)))
        town.finish()
        assert {refused_as(outcome) for outcome in call.answers()} == {"writer-unavailable"}
    assert _outcome_of(town, town.pay(1)).view is not None
    assert town.prepared() == 1


def test_a_statement_that_the_server_forgot_is_prepared_again(town: Town) -> None:
    assert _outcome_of(town, town.pay(1)).view is not None
    town.connection().execute("DEALLOCATE ALL")
    assert town.prepared() == 0
    assert refused_as(_outcome_of(town, town.pay(1))) == "writer-unavailable"
    assert _outcome_of(town, town.pay(1)).view is not None
    assert town.prepared() == 1


def test_a_mistake_of_ours_is_not_laid_at_the_door_of_what_is_on_its_way(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = pay(town.payer, town.other, 13)

    def mistaken(state: State, command: Command, principal: Principal) -> Known | None:
        if command.id == poison.id:
            raise ZeroDivisionError
        return recall(state, command, principal)

    monkeypatch.setattr("services.ledger.writer.deciding.recall", mistaken)
    with town.held_up() as connection:
        first = town.pay(10)
        connection.execute("UPDATE partitions SET frozen = TRUE")
    second = town.give(poison)
    town.finish()
    assert [refused_as(_outcome(call)) for call in (first, second)] == ["partition-frozen", "internal-error"]
    town.ledger.execute("UPDATE partitions SET frozen = FALSE")
    assert town.totals() == (100, 0, 0)


def test_a_lost_connection_leaves_each_command_done_once(town: Town) -> None:
    with town.held_up() as connection:
        first, second = town.pay(10), town.pay(20)
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'medtown-ledger-writer' AND datname = current_database()"
        )
    town.finish()
    assert all(_outcome(call).view is not None for call in (first, second))
    assert town.totals() == (70, 30, 0)


def test_who_is_overtaken_answers_none_of_what_is_on_its_way(town: Town) -> None:
    with town.held_up() as connection:
        first, second = town.pay(10), town.pay(20)
        connection.execute("UPDATE partitions SET term = term + 1")
    with pytest.raises(FenceLost):
        town.finish()
    assert not first.wait(0)
    assert not second.wait(0)
    assert town.totals() == (100, 0, 0)


def test_a_frozen_partition_refuses_all_that_is_on_its_way(town: Town) -> None:
    with town.held_up() as connection:
        first, second = town.pay(10), town.pay(20)
        connection.execute("UPDATE partitions SET frozen = TRUE")
    town.finish()
    assert [refused_as(_outcome(call)) for call in (first, second)] == ["partition-frozen"] * 2
    town.ledger.execute("UPDATE partitions SET frozen = FALSE")
    assert _outcome_of(town, town.pay(10)).view is not None
    assert town.totals() == (90, 10, 0)


def _outcome_of(town: Town, call: PendingCall) -> Outcome:
    town.finish()
    return _outcome(call)
