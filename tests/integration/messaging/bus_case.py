"""What every bus promises; a test class for each bus inherits these tests and gives the fixture `bus`."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from shared.auth.tokens import Signer
from shared.contracts import clock, events, ids, journal
from shared.contracts.errors import Fault, Refusal
from shared.contracts.events import Event
from shared.contracts.journal import JournalRecord
from shared.messaging.client import Client
from shared.messaging.publisher import Message, Publisher
from shared.observability import trace
from tests.integration.messaging.probe import RETRY_DELAYS_SECONDS, ROUTING_KEY
from tests.support.waiting import wait_until

WAIT_SECONDS = 10.0


@dataclass
class Bus:
    """A running bus with the probe on it, and how to see what reached the probe."""

    service: str
    source: str
    signer: Signer
    client: Client
    publisher: Publisher
    sequences: Callable[[], list[int]]
    parked: Callable[[], int]
    """How many events lie parked for the probe."""

    def call(self, method: str, arguments: dict[str, Any] | None = None, **options: Any) -> Any:
        return self.client.call(self.service, method, arguments or {}, **options)

    def refusal(self, method: str, arguments: dict[str, Any] | None = None, **options: Any) -> Refusal:
        with pytest.raises(Refusal) as raised:
            self.call(method, arguments, **options)
        return raised.value

    def handled(self, subject: str) -> int:
        return int(self.call("noted")["handled"].get(subject, 0))

    def event(self, subject: str) -> Message:
        return event_message(self.source, subject)

    def message(self, body: bytes, content_type: str, routing_key: str = ROUTING_KEY) -> Message:
        return Message(f"{self.source}.events", routing_key, body, content_type, ids.new_id())

    def batch(self, *sequences: int) -> Message:
        return journal_message(self.source, *sequences)


def event_message(source: str, subject: str) -> Message:
    """An event that the probe of this source listens to."""
    event = Event(
        id=ids.new_id(),
        source=f"/medtown/{source}",
        type=f"{events.TYPE_PREFIX}{source}.{ROUTING_KEY}",
        subject=subject,
        time=clock.to_text(clock.now_us()),
        data={"subject": subject},
    )
    return Message(f"{source}.events", ROUTING_KEY, events.encode(event), events.CONTENT_TYPE, ids.new_id())


def journal_message(source: str, *sequences: int, partition: int = 0) -> Message:
    """A batch of records, of which only the sequence matters."""
    body = journal.encode_batch([record(sequence) for sequence in sequences])
    return Message(
        f"{source}.events", f"journal.v1.{partition}", body, events.BATCH_CONTENT_TYPE, ids.new_id()
    )


def record(sequence: int) -> JournalRecord:
    return JournalRecord(
        partition=0,
        timeline="t",
        sequence=sequence,
        type=journal.CURRENCY_CREATED,
        recorded_at=1,
        occurred_at=1,
        prev_hash=journal.GENESIS_HASH,
        hash=journal.GENESIS_HASH,
        payload={"currency": {"code": "PUMA"}, "accounts": [], "entries": []},
    )


class BusCase:
    """The tests; each uses subjects of its own, so that they can share a bus."""

    def test_a_call_is_answered(self, bus: Bus) -> None:
        arguments = {"text": "maïs المدينة", "amount": 2**53 - 1, "nested": [{"none": None}, True]}
        assert bus.call("echo", arguments) == arguments

    def test_every_caller_gets_its_own_answer(self, bus: Bus) -> None:
        with ThreadPoolExecutor(16) as callers:
            answers = list(callers.map(lambda number: bus.call("echo", {"number": number}), range(200)))
        assert answers == [{"number": number} for number in range(200)]

    def test_an_answer_of_many_frames_arrives_whole(self, bus: Bus) -> None:
        text = "x" * 2_000_000
        assert bus.call("echo", {"text": text}) == {"text": text}

    def test_a_refusal_arrives_with_its_parameters(self, bus: Bus) -> None:
        refusal = bus.refusal("refuse")
        assert refusal.slug == "insufficient-balance"
        assert refusal.parameters == {"available": "1.00 PUMA", "amount": "2.00 PUMA"}

    def test_wrong_arguments_are_refused_naming_the_field(self, bus: Bus) -> None:
        refusal = bus.refusal("one_amount", {"amount": 11})
        assert refusal.slug == "invalid-request"
        assert [fault.pointer for fault in refusal.faults] == ["/amount"]
        assert all(isinstance(fault, Fault) for fault in refusal.faults)
        assert bus.call("one_amount", {"amount": 10, "of a later version": 1}) == {"amount": 10}

    @pytest.mark.parametrize("method", ["crash", "not_json"])
    def test_a_fault_is_told_without_its_text(self, bus: Bus, method: str) -> None:
        refusal = bus.refusal(method)
        assert refusal.slug == "internal-error"
        assert refusal.parameters == {}

    def test_a_service_that_nobody_serves_is_told_at_once(self, bus: Bus) -> None:
        started = time.monotonic()
        with pytest.raises(Refusal) as raised:
            bus.client.call(f"{bus.service}_absent", "echo", {})
        assert raised.value.slug == "service-unavailable"
        assert raised.value.parameters == {"service": f"{bus.service}_absent"}
        assert time.monotonic() - started < 2

    def test_a_call_that_the_service_does_not_know_is_refused(self, bus: Bus) -> None:
        refusal = bus.refusal("absent")
        assert refusal.slug == "unknown-call"
        assert refusal.parameters == {"service": bus.service, "call": "absent"}

    def test_a_call_in_somebodys_name_needs_a_token_for_this_service(self, bus: Bus) -> None:
        roles = frozenset({"member", "administrator"})
        token = bus.signer.sign("somebody", bus.service, roles)
        # The issuer may give the role of a member alone.
        assert bus.call("whoami", token=token) == {"subject": "somebody", "roles": ["member"]}
        for bad in (None, "nonsense", bus.signer.sign("somebody", "another", roles)):
            assert bus.refusal("whoami", token=bad).slug == "not-signed-in"

    def test_what_is_late_is_not_carried_out(self, bus: Bus) -> None:
        assert bus.refusal("work", {"name": "late"}, not_after=clock.deadline(-0.001)).slug == "late"
        assert "late" not in bus.call("noted")["carried_out"]

    def test_the_trace_of_the_caller_goes_on(self, bus: Bus) -> None:
        with trace.continued("") as trace_id:
            assert bus.call("trace_id") == trace_id

    def test_an_event_is_handled_once(self, bus: Bus) -> None:
        assert bus.publisher.publish([bus.event("plain")]) == [True]
        wait_until(lambda: bus.handled("plain") == 1, WAIT_SECONDS, "the event")

    def test_the_publisher_tells_what_nobody_listens_to(self, bus: Bus) -> None:
        unheard = bus.message(b"{}", events.CONTENT_TYPE, "thing.unheard.v1")
        heard = bus.publisher.publish([bus.event("heard 1"), unheard, bus.event("heard 2")])
        assert heard == [True, False, True]
        wait_until(lambda: bus.handled("heard 1") == bus.handled("heard 2") == 1, WAIT_SECONDS, "both events")

    def test_many_events_arrive(self, bus: Bus) -> None:
        subjects = [f"many {number}" for number in range(600)]
        assert bus.publisher.publish([bus.event(subject) for subject in subjects]) == [True] * 600
        wait_until(lambda: all(subject in bus.call("noted")["handled"] for subject in subjects), 20, "all")

    def test_a_failed_event_is_tried_again_and_does_not_hold_up_others(self, bus: Bus) -> None:
        times = len(RETRY_DELAYS_SECONDS)
        bus.publisher.publish([bus.event(f"fails {times} times"), bus.event("behind it")])
        wait_until(lambda: bus.handled("behind it") == 1, WAIT_SECONDS, "the event behind")
        wait_until(lambda: bus.handled(f"fails {times} times") == times + 1, WAIT_SECONDS, "the last attempt")

    def test_an_event_is_parked_after_the_last_attempt(self, bus: Bus) -> None:
        parked = bus.parked()
        bus.publisher.publish([bus.event("fails always")])
        wait_until(lambda: bus.parked() == parked + 1, WAIT_SECONDS, "the event in its parking place")
        assert bus.handled("fails always") == len(RETRY_DELAYS_SECONDS) + 1

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"{", events.CONTENT_TYPE),
            (b"\xff", events.CONTENT_TYPE),
            (b"[" * 100_000, events.CONTENT_TYPE),
            (b'{"specversion": "1.0"}', events.CONTENT_TYPE),
            (b"{}", "text/plain"),
        ],
        ids=["no JSON", "no text", "too deep", "no event", "another type"],
    )
    def test_what_is_no_event_is_parked_at_once(self, bus: Bus, body: bytes, content_type: str) -> None:
        parked = bus.parked()
        assert bus.publisher.publish([bus.message(body, content_type)]) == [True]
        wait_until(lambda: bus.parked() == parked + 1, WAIT_SECONDS, "the message in its parking place")

    def test_journal_batches_arrive_in_order_and_bad_ones_are_passed_over(self, bus: Bus) -> None:
        seen = len(bus.sequences())
        poison = bus.message(b'[{"no": "record"}]', events.BATCH_CONTENT_TYPE, "journal.v1.0")
        messages = [bus.batch(1, 2), poison, bus.batch(-1), bus.batch(3), bus.batch(4, 5)]
        assert bus.publisher.publish(messages) == [True] * 5
        wait_until(lambda: bus.sequences()[seen:] == [1, 2, 3, 4, 5], WAIT_SECONDS, "the batches in order")

    def test_a_slow_call_does_not_hold_up_others(self, bus: Bus) -> None:
        slow = threading.Thread(target=bus.call, args=("work", {"name": "slow", "seconds": 0.3}))
        slow.start()
        bus.call("work", {"name": "quick"})
        assert "slow" not in bus.call("noted")["carried_out"]
        slow.join()
