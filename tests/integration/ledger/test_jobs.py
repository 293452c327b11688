"""Publishing the journal, forgetting old refusals, and the tables' versions."""

from collections.abc import Sequence

import pytest
from sqlalchemy import inspect

from services.ledger.jobs import forget_refusals
from services.ledger.journal.relay import JournalRelay
from services.ledger.tables import metadata
from shared.contracts import clock, ids
from shared.contracts.journal import decode_batch
from shared.db import migrations
from shared.db.engine import Database
from shared.messaging.publisher import Message, PublishError
from tests.support.ledger import issue, pay
from tests.support.writing import SERVICE_FOLDER, Ledger


class Bus:
    """Takes messages, unless it is down."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.down = False

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        if self.down:
            raise PublishError("down")
        self.messages += messages
        return [True] * len(messages)

    def close(self) -> None: ...

    def sequences(self) -> list[int]:
        return [record.sequence for message in self.messages for record in decode_batch(message.body)]


def test_the_journal_is_published_in_order_and_in_batches(puma: Ledger) -> None:
    account = puma.account()
    for _ in range(3):
        puma.decide([issue(account, 1) for _ in range(400)])
    bus = Bus()
    relay = JournalRelay(puma.resources, bus)
    while relay.step():
        pass
    assert bus.sequences() == list(range(1, 1_203))
    assert [len(decode_batch(message.body)) for message in bus.messages] == [500, 500, 202]
    assert {(m.exchange, m.routing_key) for m in bus.messages} == {("ledger.events", "journal.v1.0")}
    assert not relay.step()
    assert len(bus.messages) == 3


def test_what_was_not_taken_is_published_again_also_after_a_restart(puma: Ledger) -> None:
    bus = Bus()
    bus.down = True
    relay = JournalRelay(puma.resources, bus)
    with pytest.raises(PublishError):
        relay.step()
    bus.down = False
    relay.step()
    assert bus.sequences() == [1]
    puma.account()
    JournalRelay(puma.resources, bus).step()
    assert bus.sequences() == [1, 2]


def test_refusals_are_forgotten_after_eight_days_but_for_derived_ids(puma: Ledger) -> None:
    payer, payee = puma.account(), puma.account()
    token = puma.token("tools", "importer")
    imported = pay(payer, payee, 1, id=ids.derived_id("a", "log"))
    fresh, old = pay(payer, payee, 1), pay(payer, payee, 1)
    puma.decide([imported, old], token)
    puma.execute(f"UPDATE refusals SET recorded_at = {clock.now_us() - 9 * 24 * 3600 * clock.MICROSECONDS}")
    puma.decide([fresh], token)
    assert not forget_refusals(puma.resources)
    assert [outcome.replayed for outcome in puma.decide([imported, fresh, old], token)] == [True, True, False]


POSTGRESQL_ALONE = {"entries_key"}
"""Indexes that SQLite has no use for: its table is in that order."""


def test_migrations_make_the_tables_as_declared_and_take_them_away(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(SERVICE_FOLDER, database)
    assert migrations.is_current(SERVICE_FOLDER, database)
    found = inspect(database.engine)
    assert set(found.get_table_names()) == {*metadata.tables, "alembic_version"}
    for table in metadata.tables.values():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}
        declared = {str(index.name) for index in table.indexes}
        if database.is_sqlite:
            declared -= POSTGRESQL_ALONE
        assert {index["name"] for index in found.get_indexes(table.name)} >= declared
    migrations.downgrade(SERVICE_FOLDER, database, "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    migrations.upgrade(SERVICE_FOLDER, database)
    database.close()
