"""What the embedded bus promises beyond what every bus does: above all, that a kill loses no event."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from shared.auth.tokens import Verifier
from shared.contracts import clock, events, ids, journal
from shared.contracts.errors import Refusal
from shared.contracts.events import Event
from shared.db.engine import Database
from shared.messaging.inprocess import journals
from shared.messaging.inprocess.bus import InProcessBus
from shared.messaging.inprocess.deliveries import deliveries
from shared.messaging.publisher import Message
from shared.messaging.service import Call, Request, Service
from tests.integration.messaging.bus_case import record
from tests.support.waiting import wait_until

pytestmark = pytest.mark.embedded

WAIT_SECONDS = 10.0
KEY = "shop.thing.sold.v1"

StartBus = Callable[..., InProcessBus]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/bus.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def start(database: Database) -> Iterator[StartBus]:
    """Starts a bus with these services; their handlers get the service's name as resources."""
    started: list[InProcessBus] = []

    def start_bus(*services: Service, **options: Any) -> InProcessBus:
        bus = InProcessBus(database, **options)
        for service in services:
            bus.register(service, service.name, Verifier(service.token_audience, {}))
        bus.start()
        started.append(bus)
        return bus

    yield start_bus
    for bus in started:
        bus.stop()


def event(subject: str) -> bytes:
    return events.encode(
        Event(
            id=ids.new_id(),
            source="/medtown/shop",
            type=f"org.medtown.{KEY}",
            subject=subject,
            time=clock.to_text(clock.now_us()),
            data={},
        )
    )


def message(subject: str) -> Message:
    return Message("shop.events", "thing.sold.v1", event(subject), events.CONTENT_TYPE, ids.new_id())


def journal_message(sequence: int) -> Message:
    body = journal.encode_batch([record(sequence)])
    return Message("ledger.events", "journal.v1.0", body, events.BATCH_CONTENT_TYPE, ids.new_id())


def waiting(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(select(deliveries).where(deliveries.c.parked_at.is_(None))).all())


def parked(database: Database) -> list[tuple[int, str]]:
    with database.read() as connection:
        query = select(deliveries.c.attempt, deliveries.c.reason).where(deliveries.c.parked_at.is_not(None))
        return [(row.attempt, row.reason) for row in connection.execute(query)]


def echo(resources: Any, request: Request) -> Any:
    return {"resources": resources, "got": request.arguments}


SHOP = Service("shop", calls={"echo": Call(echo, None, open_to_all=True)})


def refusal_of(call: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        call()
    return raised.value


def test_a_call_passes_what_json_passes(start: StartBus) -> None:
    bus = start(SHOP)
    answer = bus.client.call("shop", "echo", {"pair": (1, 2), "at": b"ab"})
    assert answer == {"resources": "shop", "got": {"pair": [1, 2], "at": "YWI="}}


def test_a_stopped_bus_refuses_calls(start: StartBus) -> None:
    bus = start(SHOP)
    bus.stop()
    assert refusal_of(lambda: bus.client.call("shop", "echo", {})).slug == "service-unavailable"


def test_every_listener_gets_every_event_in_order(start: StartBus, database: Database) -> None:
    heard: dict[str, list[str]] = {"first": [], "second": []}

    def listen(name: str, got: Event) -> None:
        heard[name].append(got.subject)

    bus = start(Service("first", events={KEY: listen}), Service("second", events={KEY: listen}))
    numbers = [str(number) for number in range(200)]
    assert bus.publisher.publish([message(number) for number in numbers]) == [True] * 200
    wait_until(lambda: not waiting(database), WAIT_SECONDS, "all deliveries")
    assert heard == {"first": numbers, "second": numbers}


def test_what_nobody_listens_to_is_told(start: StartBus, database: Database) -> None:
    bus = start(SHOP)
    assert bus.publisher.publish([message("1"), journal_message(1)]) == [False, False]
    assert waiting(database) == 0


def test_an_event_is_parked_after_the_last_attempt(start: StartBus, database: Database) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("a name that belongs in no table")

    service = Service(f"s{ids.new_id()[-6:]}", events={KEY: fail})
    bus = start(service, retry_delays_seconds=(0.01, 0.01))
    bus.publisher.publish([message("1")])
    wait_until(lambda: parked(database), WAIT_SECONDS, "the parked event")
    assert parked(database) == [(3, "LookupError")]
    queue = {"queue": f"{service.name}.{KEY}"}
    assert REGISTRY.get_sample_value("consumer_dead_lettered_total", queue) == 1
    counted = {
        outcome: REGISTRY.get_sample_value("consumer_messages_total", queue | {"outcome": outcome})
        for outcome in ("retried", "parked")
    }
    assert counted == {"retried": 2, "parked": 1}


def test_the_oldest_journal_batches_go_when_the_reader_is_slow(start: StartBus) -> None:
    heard: list[int] = []
    reading, finish = threading.Event(), threading.Event()

    def read(_: Any, records: Any) -> None:
        reading.set()
        assert finish.wait(WAIT_SECONDS)
        heard.extend(record.sequence for record in records)

    bus = start(Service("reader", journals={"ledger": read}))
    bus.publisher.publish([journal_message(1)])
    assert reading.wait(WAIT_SECONDS)
    last = 1 + journals.MAX_BATCHES + 5
    bus.publisher.publish([journal_message(number) for number in range(2, last + 1)])
    finish.set()
    wait_until(lambda: heard and heard[-1] == last, WAIT_SECONDS, "the newest batch")
    assert heard == [1, *range(last - journals.MAX_BATCHES + 1, last + 1)]


def test_events_wait_for_the_next_start(start: StartBus, database: Database) -> None:
    heard: list[str] = []
    service = Service("first", events={KEY: lambda _, got: heard.append(got.subject)})
    stopped = start(service)
    stopped.stop()
    stopped.publisher.publish([message("kept")])
    start(service)
    wait_until(lambda: heard == ["kept"], WAIT_SECONDS, "the event")


PUBLISH_AND_HANG = """
import sys, threading
from shared.auth.tokens import Verifier
from shared.db.engine import Database
from shared.messaging.inprocess.bus import InProcessBus
from shared.messaging.publisher import Message
from shared.messaging.service import Service
from shared.contracts.events import CONTENT_TYPE

def handle(resources, event):
    if event.subject == "2":
        print("handling", flush=True)
        threading.Event().wait()

bus = InProcessBus(Database(sys.argv[1]))
bus.register(Service("first", events={"shop.thing.sold.v1": handle}), None, Verifier("first", {}))
bus.start()
bodies = sys.stdin.buffer.read().splitlines()
bus.publisher.publish([Message("shop.events", "thing.sold.v1", body, CONTENT_TYPE, "id") for body in bodies])
threading.Event().wait()
"""


def test_a_kill_loses_no_event(start: StartBus, database: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH_AND_HANG, database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n".join(event(str(number)) for number in range(5)))
        process.stdin.close()
        assert process.stdout.readline() == b"handling\n"
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    heard: list[str] = []
    start(Service("first", events={KEY: lambda _, got: heard.append(got.subject)}))
    wait_until(lambda: not waiting(database), WAIT_SECONDS, "all deliveries")
    assert set("234") <= set(heard)
