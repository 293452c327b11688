"""What both stores promise to the writer beyond what its callers see."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.ledger.kernel.record import GENESIS, StoredRefusal
from services.ledger.kernel.state import Account, first_account
from services.ledger.writer.opening import open_store
from services.ledger.writer.store import Batch, Change, FenceMissed, Line, Partition, Store
from shared.contracts import ids
from shared.db import migrations
from shared.db.engine import Database
from tests.support.writing import SERVICE_FOLDER


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Connected to an empty ledger."""
    database = Database(database_url)
    migrations.upgrade(SERVICE_FOLDER, database)
    database.close()
    store = open_store(database_url)
    store.connect()
    yield store
    store.close()


def _batch(partition: Partition) -> Batch:
    return Batch(
        id=ids.new_id(),
        partition=partition.id,
        term=partition.term,
        before=partition.last_sequence,
        sequence=partition.last_sequence + 1,
        hash=bytes([partition.last_sequence + 1]) * 32,
        recorded_at=1,
    )


def _account(number: int) -> Account:
    return Account(number, ids.new_id(), "PUMA", "member", ids.new_id(), 0, 1_000, "triana", None, 5)


def test_taking_over_begins_a_term_and_keeps_the_timeline(store: Store) -> None:
    assert store.read_partition(3) is None
    timeline = ids.new_id()
    first = store.take_over(3, timeline)
    assert first == Partition(3, timeline, 1, 0, GENESIS, "", 0, False)
    assert store.take_over(3, ids.new_id()) == replace(first, term=2)
    assert store.read_partition(3) == replace(first, term=2)


def test_only_who_stands_where_the_partition_stands_writes(store: Store) -> None:
    partition = store.take_over(0, ids.new_id())
    for wrong in (replace(partition, term=9), replace(partition, last_sequence=4), replace(partition, id=7)):
        batch = _batch(wrong)
        batch.accounts.append(_account(0))
        with pytest.raises(FenceMissed):
            store.write(batch)
    assert store.next_account(0) == 0
    store.write(_batch(partition))
    now = store.read_partition(0)
    assert now is not None
    assert (now.last_sequence, now.recorded_at) == (1, 1)


def test_accounts_come_back_with_all_their_buckets(store: Store) -> None:
    partition = store.take_over(0, ids.new_id())
    account = _account(0)
    batch = _batch(partition)
    batch.accounts.append(account)
    batch.lines += [Line(0, 1, 40, 40, 100, ""), Line(0, 1, 60, 60, 100, "food")]
    batch.changes += [Change(0, 40, 100, ""), Change(0, 60, None, "food")]
    store.write(batch)
    (loaded,) = store.load_accounts([account.id, ids.new_id()])
    assert loaded == replace(account, total=100, buckets={"": 40, "food": 60})
    spent = _batch(replace(partition, last_sequence=1))
    spent.changes += [Change(0, 40, None, ""), Change(0, 0, None, "food")]
    store.write(spent)
    (loaded,) = store.load_accounts([account.id])
    assert loaded == replace(account, total=40, buckets={"": 40})


def test_partitions_number_their_accounts_apart(store: Store) -> None:
    batch = _batch(store.take_over(5, ids.new_id()))
    batch.accounts.append(_account(first_account(5)))
    store.write(batch)
    assert (store.next_account(5), store.next_account(0)) == (first_account(5) + 1, 0)


def test_refusals_come_back_as_they_were(store: Store) -> None:
    batch = _batch(store.take_over(0, ids.new_id()))
    refusal = StoredRefusal(
        ids.derived_id("x"), "tools", bytes(32), b"\x01" * 32, "unknown-account", {"account": "é"}, 7
    )
    batch.refusals.append(refusal)
    store.write(batch)
    assert store.load_commands(0, [refusal.command, ids.new_id()]) == [refusal]
    assert store.load_commands(1, [refusal.command]) == []
