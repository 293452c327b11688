"""Outbox, relay and inbox, on both engines."""

import threading
from collections.abc import Iterator, Sequence

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import MetaData, select, update

from shared.contracts import clock, events, ids
from shared.contracts.events import Event
from shared.db.engine import Database
from shared.inbox import table as inbox_module
from shared.inbox.table import first_time, inbox_table
from shared.messaging.publisher import Message, PublishError
from shared.observability import trace
from shared.outbox import relay as relay_module
from shared.outbox.relay import OutboxRelay
from shared.outbox.table import outbox_table, record

DAY_US = 86_400 * clock.MICROSECONDS

metadata = MetaData()
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)


class Bus:
    """A Publisher that keeps what it was given, and refuses while it is `down`."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.down = False
        self.listened_to = True

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        if self.down:
            raise PublishError("down")
        self.taken += messages
        return [self.listened_to] * len(messages)

    def close(self) -> None: ...

    @property
    def subjects(self) -> list[str]:
        return [events.decode(message.body).subject for message in self.taken]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    with opened.write() as connection:
        metadata.create_all(connection)
    yield opened
    opened.close()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def service() -> str:
    """A name of the test's own, since metrics are the process's."""
    return f"shop{ids.new_id()[-6:]}"


@pytest.fixture
def relay(database: Database, bus: Bus, service: str) -> OutboxRelay:
    return OutboxRelay(database, outbox, service, bus)


def sale(subject: str = "1") -> Event:
    return Event(
        id=ids.new_id(),
        source="/medtown/shop",
        type="org.medtown.shop.thing.sold.v1",
        subject=subject,
        time=clock.to_text(clock.now_us()),
        data={},
    )


def record_sales(database: Database, count: int) -> None:
    with database.write() as connection:
        for number in range(count):
            record(connection, outbox, sale(str(number)))


def metric(name: str, service: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": service})


def test_what_is_committed_is_published_once_in_order(
    database: Database, relay: OutboxRelay, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "BATCH_SIZE", 4)
    record_sales(database, 10)
    assert [relay.step() for _ in range(4)] == [True, True, False, False]
    assert bus.subjects == [str(number) for number in range(10)]
    first = bus.taken[0]
    assert (first.exchange, first.routing_key) == ("shop.events", "thing.sold.v1")
    assert first.content_type == "application/cloudevents+json"
    assert first.id == events.decode(first.body).id


def test_what_is_rolled_back_is_never_published(database: Database, relay: OutboxRelay, bus: Bus) -> None:
    def fail_after_recording() -> None:
        with database.write() as connection:
            record(connection, outbox, sale())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_recording()
    relay.step()
    assert bus.taken == []


def test_an_event_carries_the_trace_in_which_it_was_recorded(
    database: Database, relay: OutboxRelay, bus: Bus
) -> None:
    with trace.continued("") as trace_id, database.write() as connection:
        record(connection, outbox, sale())
    relay.step()
    assert trace_id in events.decode(bus.taken[0].body).traceparent


def test_what_the_bus_did_not_take_is_published_later_and_counted(
    database: Database, relay: OutboxRelay, bus: Bus, service: str
) -> None:
    record_sales(database, 3)
    bus.down = True
    with pytest.raises(PublishError):
        relay.step()
    assert metric("outbox_pending_events", service) == 3
    with database.read() as connection:
        assert connection.scalars(select(outbox.c.attempts)).all() == [1, 1, 1]
    bus.down = False
    relay.step()
    assert bus.subjects == ["0", "1", "2"]
    assert metric("outbox_pending_events", service) == 0
    assert metric("outbox_oldest_pending_age_seconds", service) == 0


def test_events_that_nobody_listens_to_count_as_published(
    database: Database, relay: OutboxRelay, bus: Bus, service: str
) -> None:
    record_sales(database, 2)
    bus.listened_to = False
    relay.step()
    relay.step()
    assert len(bus.taken) == 2
    assert metric("outbox_unrouted_events_total", service) == 2


def test_published_events_are_forgotten_after_a_week_in_small_bites(
    database: Database, relay: OutboxRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "PURGE_BITE", 2)
    record_sales(database, 4)
    old = outbox.c.sequence.in_(select(outbox.c.sequence).order_by(outbox.c.sequence).limit(3))
    with database.write() as connection:
        connection.execute(update(outbox).where(old).values(published_at=clock.now_us() - 8 * DAY_US))
    assert relay.step()
    assert not relay.step()
    with database.read() as connection:
        assert len(connection.execute(select(outbox)).all()) == 1


@pytest.mark.parametrize(
    "database_url", [pytest.param("distributed", marks=pytest.mark.distributed)], indirect=True
)
def test_of_two_relays_at_once_one_waits(database: Database, service: str) -> None:
    record_sales(database, 1)
    publishing, finish = threading.Event(), threading.Event()

    class SlowBus(Bus):
        def publish(self, messages: Sequence[Message]) -> list[bool]:
            publishing.set()
            assert finish.wait(10)
            return super().publish(messages)

    slow, other = SlowBus(), Bus()
    first = threading.Thread(target=OutboxRelay(database, outbox, service, slow).step)
    first.start()
    try:
        assert publishing.wait(10)
        assert not OutboxRelay(database, outbox, service, other).step()
    finally:
        finish.set()
        first.join()
    OutboxRelay(database, outbox, service, other).step()
    assert (len(slow.taken), len(other.taken)) == (1, 0)


def test_an_event_is_handled_once(database: Database) -> None:
    event = sale()
    with database.write() as connection:
        assert first_time(connection, inbox, event)
        assert not first_time(connection, inbox, event)
        assert first_time(connection, inbox, sale())
    with database.write() as connection:
        assert not first_time(connection, inbox, event)


def test_an_event_whose_work_was_rolled_back_is_handled_again(database: Database) -> None:
    event = sale()

    def fail_after_the_inbox() -> None:
        with database.write() as connection:
            assert first_time(connection, inbox, event)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_the_inbox()
    with database.write() as connection:
        assert first_time(connection, inbox, event)


def test_the_inbox_forgets_after_a_month_in_small_bites(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "PURGE_BITE", 2)
    kept = sale()
    with database.write() as connection:
        for _ in range(3):
            first_time(connection, inbox, sale())
        connection.execute(update(inbox).values(received_at=clock.now_us() - 31 * DAY_US))
        first_time(connection, inbox, kept)
    assert inbox_module.purge(database, inbox)
    assert not inbox_module.purge(database, inbox)
    with database.read() as connection:
        assert connection.scalars(select(inbox.c.id)).all() == [kept.id]
