"""What every bus promises; a test class for each bus inherits these tests and gives the fixture `bus`."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from shared.auth.tokens import Signer
from shared.contracts import clock, events, ids, journal
from shared.contracts.errors import Fault, Refusal
from shared.contracts.events import Event
from shared.contracts.journal import JournalRecord
from shared.messaging.client import Client
from shared.messaging.dead_letters import DeadLetter, DeadLetters
from shared.messaging.publisher import Message, Publisher
from shared.observability import trace
from tests.integration.messaging.probe import RETRY_DELAYS_SECONDS, ROUTING_KEY
from tests.support.waiting import wait_until

WAIT_SECONDS = 10.0
JSON = events.CONTENT_TYPE
POISON = {
    "no JSON": (b"{", JSON, "not-json"),
    "nothing": (b"", JSON, "not-json"),
    "no UTF-8": (b'{"id": "\xff"}', JSON, "not-json"),
    "too deep": (b"[" * 100_000, JSON, "not-a-cloudevent"),
    "too deep inside": (b'{"data": {"a": ' + b"[" * 100_000, JSON, "not-json"),
    "no CloudEvent": (b'{"specversion": "1.0"}', JSON, "not-a-cloudevent"),
    "no object": (b"[1]", JSON, "not-a-cloudevent"),
    "another type": (b"{}", "text/plain", "wrong-content-type"),
    "no type": (b"{}", "", "wrong-content-type"),
    "10 MB": (b'{"data": "' + b"x" * 10_000_000 + b'"}', JSON, "too-large"),
}
"""Bodies with their content type, and for which reason each is parked."""


@dataclass
class Bus:
    """A running bus with the probe on it, and how to see what reached the probe."""

    service: str
    source: str
    signer: Signer
    client: Client
    publisher: Publisher
    sequences: Callable[[], list[int]]
    dead_letters: DeadLetters

    @property
    def queue(self) -> str:
        """The probe's queue of events."""
        return f"{self.service}.{self.source}.{ROUTING_KEY}"

    def parked(self) -> int:
        """How many events lie parked for the probe."""
        return len(self.dead_letters.list(self.queue))

    def letter(self, subject: str) -> DeadLetter:
        """The dead letter of the event with this subject, which must be there once."""
        [letter] = [
            letter
            for letter in self.dead_letters.list(self.queue)
            if f'"subject": "{subject}"' in self.body_of(letter.id)
        ]
        return letter

    def body_of(self, letter: str) -> str:
        shown = self.dead_letters.show(letter)
        assert shown is not None
        return shown.body

    def counted(self, outcome: str) -> float:
        """How many events the probe's process counts with this outcome."""
        return float(self.call("counted", {"queue": self.queue, "outcome": outcome}))

    def call(self, method: str, arguments: dict[str, Any] | None = None, **options: Any) -> Any:
        return self.client.call(self.service, method, arguments or {}, **options)

    def refusal(self, method: str, arguments: dict[str, Any] | None = None, **options: Any) -> Refusal:
        with pytest.raises(Refusal) as raised:
            self.call(method, arguments, **options)
        return raised.value

    def handled(self, subject: str) -> int:
        return int(self.call("noted")["handled"].get(subject, 0))

    def event(self, subject: str, **more: Any) -> Message:
        return event_message(self.source, subject, **more)

    def message(self, body: bytes, content_type: str, routing_key: str = ROUTING_KEY) -> Message:
        return Message(f"{self.source}.events", routing_key, body, content_type, ids.new_id())

    def batch(self, *sequences: int) -> Message:
        return journal_message(self.source, *sequences)


def event_message(source: str, subject: str, **more: Any) -> Message:
    """An event that the probe of this source listens to; `more` are other attributes."""
    event = event_of(source, subject)
    body = msgspec.json.encode({**msgspec.to_builtins(event), **more})
    return Message(f"{source}.events", ROUTING_KEY, body, events.CONTENT_TYPE, ids.new_id())


def event_of(source: str, subject: str) -> Event:
    return Event(
        id=ids.new_id(),
        source=f"/medtown/{source}",
        type=f"{events.TYPE_PREFIX}{source}.{ROUTING_KEY}",
        subject=subject,
        time=clock.to_text(clock.now_us()),
        data={"subject": subject},
    )


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

    @pytest.mark.parametrize(("body", "content_type", "reason"), POISON.values(), ids=POISON)
    def test_what_is_no_event_is_parked_at_once(
        self, bus: Bus, body: bytes, content_type: str, reason: str
    ) -> None:
        self.is_parked(bus, bus.message(body, content_type), reason)

    @pytest.mark.parametrize("version", ["thing.happened.v2", "thing.unheard.v1"])
    def test_an_event_of_another_type_or_version_in_the_queue_is_parked(self, bus: Bus, version: str) -> None:
        message = bus.event(f"of {version}", type=f"{events.TYPE_PREFIX}{bus.source}.{version}")
        self.is_parked(bus, message, "another-type")

    def is_parked(self, bus: Bus, message: Message, reason: str) -> None:
        """It is parked, counted and listed; what comes behind it is handled, and calls are answered."""
        before, counted = {letter.id for letter in bus.dead_letters.list(bus.queue)}, bus.counted("parked")
        behind = ids.new_id()
        assert bus.publisher.publish([message, bus.event(behind)]) == [True, True]
        wait_until(lambda: bus.handled(behind) == 1, WAIT_SECONDS, "the event behind it")
        wait_until(lambda: bus.parked() > len(before), WAIT_SECONDS, "the message in its parking place")
        [letter] = [each for each in bus.dead_letters.list(bus.queue) if each.id not in before]
        assert (letter.reason, letter.attempts, letter.size) == (reason, 1, len(message.body))
        assert letter.queue == bus.queue
        assert letter.content_type == message.content_type
        assert clock.now_us() - clock.from_text(letter.parked_at) < 20 * clock.MICROSECONDS
        assert bus.counted("parked") == counted + 1
        assert len(bus.body_of(letter.id)) < 25_000

    def test_a_later_version_goes_beside_the_one_that_is_known(self, bus: Bus) -> None:
        later = bus.message(bus.event("later").body, events.CONTENT_TYPE, "thing.happened.v2")
        parked = bus.parked()
        assert bus.publisher.publish([later, bus.event("beside it")]) == [False, True]
        wait_until(lambda: bus.handled("beside it") == 1, WAIT_SECONDS, "the event of the known version")
        assert bus.parked() == parked
        assert bus.handled("later") == 0

    def test_what_a_later_publisher_adds_is_left_aside(self, bus: Bus) -> None:
        message = bus.event("with more", data={"subject": "with more", "added": [1]}, newer={"a": None})
        bus.publisher.publish(
            [message, message._replace(content_type=f"{events.CONTENT_TYPE}; charset=utf-8")]
        )
        wait_until(lambda: bus.handled("with more") == 2, WAIT_SECONDS, "the event, in both spellings")

    def test_looking_again_at_once_finds_the_same(self, bus: Bus) -> None:
        parked = bus.parked()
        messages = [bus.message(f"look {each}".encode(), events.CONTENT_TYPE) for each in range(20)]
        bus.publisher.publish(messages)
        wait_until(lambda: bus.parked() == parked + 20, WAIT_SECONDS, "the messages in their parking place")
        looks = [{letter.id for letter in bus.dead_letters.list(bus.queue)} for _ in range(20)]
        assert all(look == looks[0] for look in looks)

    def test_what_comes_twice_is_parked_twice_under_one_id(self, bus: Bus) -> None:
        before = {letter.id for letter in bus.dead_letters.list(bus.queue)}
        twice = bus.message(b"twice the same", events.CONTENT_TYPE)
        bus.publisher.publish([twice, twice])
        wait_until(lambda: bus.parked() >= len(before) + 2, WAIT_SECONDS, "both in their parking place")
        new = [letter.id for letter in bus.dead_letters.list(bus.queue) if letter.id not in before]
        assert len(new) == 2
        assert len(set(new)) == 1
        assert bus.dead_letters.replay(new[0], None) == 2
        wait_until(lambda: bus.parked() >= len(before) + 2, WAIT_SECONDS, "both parked again")
        assert new == [letter.id for letter in bus.dead_letters.list(bus.queue) if letter.id not in before]

    def test_a_replayed_event_is_handled_as_at_first_and_leaves_the_list(self, bus: Bus) -> None:
        attempts = len(RETRY_DELAYS_SECONDS) + 1
        subject = f"fails {attempts} times, then is mended"
        others = [letter.id for letter in bus.dead_letters.list(bus.queue)]
        bus.publisher.publish([bus.event(subject)])
        wait_until(lambda: bus.parked() == len(others) + 1, WAIT_SECONDS, "the event in its parking place")
        letter = bus.letter(subject)
        assert (letter.attempts, letter.reason) == (attempts, "RuntimeError")
        assert letter.type == f"{events.TYPE_PREFIX}{bus.source}.{ROUTING_KEY}"
        assert bus.dead_letters.replay("no such id", None) == 0
        assert bus.dead_letters.replay(letter.id, None) == 1
        wait_until(lambda: bus.handled(subject) == attempts + 1, WAIT_SECONDS, "the event, handled again")
        assert sorted(each.id for each in bus.dead_letters.list(bus.queue)) == sorted(others)
        assert bus.dead_letters.show(letter.id) is None

    def test_all_of_a_queue_are_replayed_once_and_park_again(self, bus: Bus) -> None:
        parked = bus.parked()
        assert parked, "the tests above have parked some"
        before = sorted(letter.id for letter in bus.dead_letters.list(bus.queue))
        assert bus.dead_letters.replay(None, bus.queue) == parked
        wait_until(lambda: bus.parked() == parked, WAIT_SECONDS, "all of them parked again")
        assert sorted(letter.id for letter in bus.dead_letters.list(bus.queue)) == before

    def test_a_shown_letter_hides_tokens_and_what_tells_of_persons(self, bus: Bus) -> None:
        data = {
            "subject": "private",
            "session": "s" * 43,
            "of": [{"display_name": "Ana", "mail": "a@b.example"}],
        }
        parked = bus.parked()
        bus.publisher.publish([bus.event("fails always, private", data=data)])
        wait_until(lambda: bus.parked() == parked + 1, WAIT_SECONDS, "the event in its parking place")
        body = bus.body_of(bus.letter("fails always, private").id)
        assert body.count("[redacted]") == 3
        assert not any(word in body for word in ("sss", "Ana", "a@b"))

    def test_journal_batches_arrive_in_order_and_bad_ones_are_passed_over(self, bus: Bus) -> None:
        seen = len(bus.sequences())
        bad = (
            b'[{"no": "record"}]',
            b"[",
            b"null",
            b"[]",
            b"\xff",
            b"[" * 100_000,
            b" " * 10_000_000 + b"[]",
        )
        poison = [bus.message(body, events.BATCH_CONTENT_TYPE, "journal.v1.0") for body in bad]
        messages = [bus.batch(1, 2), *poison, bus.batch(-1), bus.batch(3), bus.batch(4, 5)]
        assert all(bus.publisher.publish(messages))
        wait_until(lambda: bus.sequences()[seen:] == [1, 2, 3, 4, 5], WAIT_SECONDS, "the batches in order")

    def test_a_slow_call_does_not_hold_up_others(self, bus: Bus) -> None:
        slow = threading.Thread(target=bus.call, args=("work", {"name": "slow", "seconds": 0.3}))
        slow.start()
        bus.call("work", {"name": "quick"})
        assert "slow" not in bus.call("noted")["carried_out"]
        slow.join()
