"""What both stores promise to the writer beyond what its callers see."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select

from services.ledger.kernel.buckets import Bucket
from services.ledger.kernel.record import GENESIS, Note, StoredRefusal, seal
from services.ledger.kernel.state import Account, Thing, first_account
from services.ledger.tables import balances, lapsing_before, metadata
from services.ledger.writer.opening import open_store
from services.ledger.writer.store import (
    PIECE,
    Batch,
    BooksBroken,
    FenceMissed,
    Partition,
    Store,
)
from services.ledger.writer.store_sqlite import SqliteStore
from shared.contracts import ids
from shared.db import migrations
from shared.db.engine import Database
from tests.support.installations import EMBEDDED
from tests.support.writing import SERVICE_FOLDER

SIZES = pytest.mark.parametrize("size", [1, PIECE + 1])
"""How many records a batch has: PostgreSQL writes few of them otherwise than many."""


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


def _add_records(batch: Batch, size: int) -> None:
    for sequence in range(batch.before + 1, batch.before + size + 1):
        record = seal(
            partition=batch.partition,
            timeline="",
            sequence=sequence,
            prev_hash=GENESIS,
            type="transfer.posted",
            recorded_at=1,
            occurred_at=1,
            command=ids.new_id(),
            payload={},
            salt=bytes(32),
            note=Note(bytes(32), "bread", ""),
        )
        batch.records.append(record)
    batch.sequence = batch.before + size


@SIZES
def test_accounts_come_back_with_all_their_buckets(store: Store, size: int) -> None:
    partition = store.take_over(0, ids.new_id())
    account = _account(0)
    batch = _batch(partition)
    batch.accounts.append(account)
    batch.lines.add(0, 1, 40, 40, 100, "")
    batch.lines.add(0, 1, 60, 60, 100, "food")
    batch.changes.add(0, 40, 100, "")
    batch.changes.add(0, 60, None, "food")
    store.write(batch)
    (loaded,) = store.load_accounts([account.id, ids.new_id()])
    assert loaded == replace(account, total=100, plain=40, special={"food": 60})
    spent = _batch(replace(partition, last_sequence=1))
    _add_records(spent, size)
    spent.changes.add(0, 40, 47, "")
    spent.changes.add(0, 0, None, "food")
    spent.changes.add(0, 7, None, "|x||")
    store.write(spent)
    (loaded,) = store.load_accounts([account.id])
    assert loaded == replace(account, total=47, plain=40, special={"|x||": 7})


@SIZES
def test_accounts_may_change_what_is_agreed(store: Store, size: int) -> None:
    partition = store.take_over(0, ids.new_id())
    accounts = [replace(_account(number), terms={"level": number} if number else {}) for number in range(3)]
    batch = _batch(partition)
    batch.accounts += accounts
    store.write(batch)
    assert store.load_accounts([accounts[1].id]) == [accounts[1]]
    terms = {"groups": ["market"], "delegates": {"é": {"rights": ["pay"]}}}
    changed = replace(accounts[1], floor=-5, ceiling=7, territory=None, category="food", terms=terms)
    batch = _batch(replace(partition, last_sequence=1))
    _add_records(batch, size)
    batch.altered.append(changed)
    store.write(batch)
    found = {account.id: account for account in store.load_accounts([account.id for account in accounts])}
    assert found[changed.id] == changed
    assert found[accounts[2].id] == accounts[2]
    lost = _batch(replace(partition, last_sequence=1 + size))
    _add_records(lost, size)
    lost.altered.append(replace(changed, number=77))
    with pytest.raises(BooksBroken):
        store.write(lost)
    now = store.read_partition(0)
    assert now is not None
    assert now.last_sequence == 1 + size


@SIZES
def test_things_are_remembered_changed_and_forgotten(store: Store, size: int) -> None:
    partition = store.take_over(0, ids.new_id())
    pending, charter, gone = ("pending", ids.new_id()), ("charter", "PUMA/2"), ("spent", ids.new_id())
    batch = _batch(partition)
    _add_records(batch, size)
    batch.things |= {
        pending: Thing(ids.new_account_id(0), 7, {"status": "pending", "draws": [["", 5]]}),
        charter: Thing("PUMA", None, {"document": {"names": {"es": "Año"}}}),
        gone: Thing(None, 2**62, {}),
    }
    store.write(batch)
    asked = [pending, charter, gone, ("pending", "PUMA/2"), ("charter", "PUMA/3")]
    assert store.load_things(0, asked) == batch.things
    assert store.load_things(1, asked) == {}
    later = _batch(replace(partition, last_sequence=size))
    _add_records(later, size)
    later.things |= {pending: Thing(None, None, {"status": "posted"}), gone: None, ("leg", "none"): None}
    store.write(later)
    assert store.load_things(0, asked) == {
        pending: Thing(None, None, {"status": "posted"}),
        charter: batch.things[charter],
    }


def test_more_may_be_loaded_than_a_statement_takes_values(store: Store) -> None:
    batch = _batch(store.take_over(0, ids.new_id()))
    account = _account(0)
    batch.accounts.append(account)
    batch.things["leg", account.id] = Thing(None, None, {})
    store.write(batch)
    many = [account.id, *(ids.new_id() for _ in range(40_000))]
    assert [found.id for found in store.load_accounts(many)] == [account.id]
    assert store.load_things(0, [("leg", id) for id in many]) == batch.things
    assert store.load_commands(0, many) == []


def test_units_that_lapse_are_found_by_their_day(store: Store, database_url: str) -> None:
    batch = _batch(store.take_over(0, ids.new_id()))
    batch.accounts += [_account(0), _account(1)]
    lapsing = [Bucket("2026-11-22", "food").text(), Bucket("2026-11-23", reservation=ids.new_id()).text()]
    others = [
        Bucket("2026-11-24").text(),
        Bucket(purpose="1-food").text(),
        Bucket(received_on="2026-01-01").text(),
        Bucket(reservation=ids.new_id()).text(),
    ]
    for bucket in (*lapsing, *others):
        batch.changes.add(1, 5, None, bucket)
    store.write(batch)
    database = Database(database_url)
    with database.read() as connection:
        found = connection.execute(select(balances.c.bucket).where(lapsing_before("2026-11-24")))
        assert sorted(found.scalars()) == lapsing
    database.close()


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_migrations_lead_to_the_tables_and_back(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(SERVICE_FOLDER, database, "0001")
    migrations.upgrade(SERVICE_FOLDER, database)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrations.downgrade(SERVICE_FOLDER, database, "0001")
    migrations.upgrade(SERVICE_FOLDER, database)
    assert migrations.is_current(SERVICE_FOLDER, database)
    migrations.downgrade(SERVICE_FOLDER, database, "base")
    database.close()


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


def test_recent_ids_are_those_of_records_and_refusals_made_within_a_time(store: Store) -> None:
    batch = _batch(store.take_over(0, ids.new_id()))
    _add_records(batch, 3)
    refused = ids.new_id()
    batch.refusals.append(StoredRefusal(refused, "tools", bytes(32), bytes(32), "late", {}, 7))
    store.write(batch)
    known = [*(record.command for record in batch.records), refused]
    first, beyond = ids.first_id(0), ids.first_id(1 << 47)
    assert sorted(store.load_recent(0, first, beyond, 10)) == known
    assert sorted(store.load_recent(0, first, beyond, 2)) == known[-2:]
    assert sorted(store.load_recent(0, known[1], known[3], 10)) == known[1:3]
    assert store.load_recent(1, first, beyond, 10) == []


@pytest.mark.parametrize("database_url", [EMBEDDED], indirect=True)
def test_recent_ids_are_found_without_reading_all_records(store: Store) -> None:
    assert isinstance(store, SqliteStore)
    connection = store._opened()
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    store.load_recent(0, ids.first_id(0), ids.first_id(1 << 47), 10)
    connection.set_trace_callback(None)
    steps = [step for query in asked for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert len(steps) == 2
    for step in steps:
        assert "COVERING INDEX" in step
        assert step.endswith("(command>? AND command<?)")
