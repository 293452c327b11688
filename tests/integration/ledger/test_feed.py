"""The feed that consumers follow: the same events, to the byte, as made from decoded records."""

import msgspec
import pytest
from sqlalchemy import Connection, select

from services.ledger.journal.feed import events_after
from services.ledger.journal.reader import records_after
from services.ledger.journal.relay import JournalRelay
from services.ledger.tables import journal
from services.ledger.writer.packing import unpack
from shared.auth.principal import IMPORTER, MEMBER
from shared.contracts import clock, ids
from shared.contracts.commands import LinkedTransfers
from shared.contracts.journal import (
    GENESIS_HASH,
    MAX_RECORDS_PER_BATCH,
    decode_batch,
    encode_batch,
    from_cloud_event,
    join_batch,
)
from tests.integration.ledger.test_jobs import Bus
from tests.support.ledger import issue, leg, pay
from tests.support.writing import Ledger


def both(connection: Connection, sequence: int, limit: int) -> tuple[bytes, bytes]:
    """A batch as the feed has it, and as it is made from records."""
    events = [event.json for event in events_after(connection, 0, sequence, limit)]
    return join_batch(events), encode_batch(
        [record.to_journal() for record in records_after(connection, 0, sequence, limit)]
    )


@pytest.fixture
def told(puma: Ledger) -> Ledger:
    """Books with records of several types, plain payments and others."""
    holder = ids.new_id()
    payer, payee = puma.account(holder, issued=10_000), puma.account()
    own, tools = puma.token(holder, MEMBER), puma.token("tools", IMPORTER)
    puma.decide([pay(payer, payee, 1) for _ in range(3)], own)
    puma.view(pay(payer, payee, 2, memo="für Öl, “two” \\ lines\n", case_reference="A-1"), own)
    early = clock.from_text("2024-02-29T12:00:00Z")
    puma.view(pay(payer, payee, 3, id=ids.derived_id("a", "log"), occurred_at=early), tools)
    puma.view(LinkedTransfers(id=ids.new_id(), legs=[leg(payer, payee, 4), leg(payer, payee, 5)]), own)
    puma.view(pay(payer, payee, 6, pending_seconds=60), own)
    return puma


def test_events_are_those_of_the_records_to_the_byte(told: Ledger) -> None:
    with told.database.read() as connection:
        types = {record.type for record in records_after(connection, 0, 0, 500)}
        whole, made = both(connection, 0, 500)
        assert whole == made
        count = len(msgspec.json.decode(whole))
        for sequence in range(count):
            assert len(set(both(connection, sequence, 2))) == 1
    told_of = {
        "currency.created",
        "account.opened",
        "transfer.posted",
        "transfer.reserved",
        "transfers.linked",
    }
    assert told_of <= types


def test_events_follow_each_other_link_by_link(told: Ledger) -> None:
    with told.database.read() as connection:
        events = events_after(connection, 0, 0, 500)
    records = [from_cloud_event(msgspec.json.decode(event.json)) for event in events]
    assert [record.sequence for record in records] == list(range(1, len(records) + 1))
    hashes = [record.hash for record in records]
    assert [record.prev_hash for record in records] == [GENESIS_HASH, *hashes[:-1]]
    assert [(each.sequence, each.timeline) for each in events] == [(r.sequence, r.timeline) for r in records]


def test_a_payment_whose_stored_bytes_were_damaged_is_not_handed_on(told: Ledger) -> None:
    unprotected = {True: "DROP TRIGGER journal_no_update", False: "ALTER TABLE journal DISABLE TRIGGER ALL"}
    told.execute(unprotected[told.database.is_sqlite])
    with told.database.read() as connection:
        stored = connection.execute(select(journal.c.sequence, journal.c.payload)).all()
    sequence, payload = next((number, bytes(each)) for number, each in stored if unpack(each) != bytes(each))
    damaged = journal.update().where(journal.c.sequence == sequence)
    with told.database.write() as connection:
        connection.execute(damaged.values(payload=payload.replace(b",PUMA", b',PU"A')))
    with told.database.read() as connection:
        assert len(events_after(connection, 0, 0, sequence - 1)) == sequence - 1
        with pytest.raises(msgspec.DecodeError):
            events_after(connection, 0, sequence - 1, 10)


def test_records_gather_for_a_moment_after_something_was_published(
    puma: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr("services.ledger.journal.relay.time.monotonic", lambda: now)
    bus = Bus()
    relay = JournalRelay(puma.resources, bus)
    assert not relay.step()
    assert bus.sequences() == [1]
    for _ in range(3):
        puma.account()
        assert not relay.step()
    assert bus.sequences() == [1]
    now += 0.5
    assert not relay.step()
    assert [len(decode_batch(message.body)) for message in bus.messages] == [1, 3]


def test_a_backlog_is_published_without_a_pause(puma: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ledger.journal.relay.time.monotonic", lambda: 1_000.0)
    monkeypatch.setattr("services.ledger.journal.relay.BATCHES_PER_STEP", 1)
    account = puma.account()
    puma.decide([issue(account, 1) for _ in range(2 * MAX_RECORDS_PER_BATCH)])
    bus = Bus()
    relay = JournalRelay(puma.resources, bus)
    assert [relay.step() for _ in range(3)] == [True, True, False]
    assert bus.sequences() == list(range(1, 2 * MAX_RECORDS_PER_BATCH + 3))
