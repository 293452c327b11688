"""Faults of messages: poison, what cannot be handled, what comes twice, what never comes, what is forged."""

import random
import signal
from contextlib import closing
from functools import partial
from typing import Any

import msgspec

from services.ledger.journal.reader import records_after
from services.ledger.journal.relay import EXCHANGE
from shared.contracts import clock, events, ids
from shared.contracts.journal import JournalRecord, encode_batch
from shared.db.engine import Database
from shared.messaging.amqp import topology
from shared.messaging.amqp.connection import ConfirmingChannel, connect
from shared.messaging.amqp.dead_letters import AmqpDeadLetters
from shared.messaging.amqp.topology import ATTEMPT_HEADER, RETRY_DELAYS_SECONDS
from tests.support.faults.site import Site
from tests.support.waiting import wait_until

WAIT_SECONDS = 30.0
ROUTING_KEY = topology.journal_routing_key(0)
JOURNAL_QUEUE = topology.journal_queue("dashboard", "ledger", 0)
EVENT_QUEUE = topology.event_queue("dashboard", events.PERSON_REGISTERED.key)
EVENTS_EXCHANGE = topology.events_exchange("identity")
REGISTERED = "person.registered.v1"
PEOPLE = "SELECT coalesce(sum(people), 0) FROM registration_days"
POSITION = "SELECT sequence, hash, stalled FROM positions WHERE partition = 0"
"""How far the dashboard has come."""
LAST = "SELECT last_sequence, encode(last_hash, 'hex'), timeline FROM partitions WHERE id = 0"
"""How far the ledger has come."""
BROKEN_BATCHES = (
    (b"{", events.BATCH_CONTENT_TYPE),
    (b"\xff" * 100, events.BATCH_CONTENT_TYPE),
    (b"[]", events.BATCH_CONTENT_TYPE),
    (b"[1]", events.BATCH_CONTENT_TYPE),
    (b'[{"data": {}}]', events.BATCH_CONTENT_TYPE),
    (b"[" * 100_000, events.BATCH_CONTENT_TYPE),
    (b"[]", "text/plain"),
    (b"x" * 5_000_000, events.BATCH_CONTENT_TYPE),
)
BROKEN_EVENTS = (
    (b"{", events.CONTENT_TYPE),
    (b"", events.CONTENT_TYPE),
    (b"[" * 100_000, events.CONTENT_TYPE),
    (b'{"specversion": "1.0"}', events.CONTENT_TYPE),
    (b"{}", "text/plain"),
    (b"\xff\xfe", events.CONTENT_TYPE),
)


def poison_journal(site: Site, chance: random.Random) -> None:
    """Batches that cannot be read, and records from nowhere, come between the genuine ones."""
    record = _records(site, 1)[0]
    far = msgspec.structs.replace(record, sequence=record.sequence + 10**6, hash=chance.randbytes(32).hex())
    wrong = msgspec.structs.replace(record, payload={"accounts": [], "entries": [["nobody", "", 1, 1]]})
    broken = [*BROKEN_BATCHES, *((encode_batch([bad]), events.BATCH_CONTENT_TYPE) for bad in (far, wrong))]
    chance.shuffle(broken)
    before = site.metric("dashboard-jobs", "consumer_messages_total", outcome="undecodable")
    _publish(site, EXCHANGE, ROUTING_KEY, broken)
    wait_until(
        lambda: site.metric("dashboard-jobs", "consumer_messages_total", outcome="undecodable") > before,
        WAIT_SECONDS,
        "the poison to be counted",
    )


def forge_journal(site: Site, chance: random.Random) -> None:
    """Records that nobody decided are published as if they went on from the last one. The dashboard cannot
    apply the one and takes the other; both times it finds that the ledger does not know it.
    """
    site.load.settle()
    for payload, name in (
        ({"accounts": [], "entries": [["nobody", "", 1, 1]]}, "projection_foreign_batches_total"),
        ({"accounts": [], "entries": []}, "projection_diverged_total"),
    ):
        wait_until(lambda: is_up_to_date(site), WAIT_SECONDS, "the dashboard to be up to date")
        before = site.metric("dashboard-jobs", name)
        forged = _forged(site, payload, chance.randbytes(32).hex())
        _publish(site, EXCHANGE, ROUTING_KEY, [(encode_batch([forged]), events.BATCH_CONTENT_TYPE)])
        found_out = partial(_exceeds, site, name, before)
        wait_until(found_out, WAIT_SECONDS, f"{name} to tell of the forged record")
    site.load.go_on()


def _exceeds(site: Site, name: str, before: float) -> bool:
    return site.metric("dashboard-jobs", name) > before


def _forged(site: Site, payload: dict[str, Any], own_hash: str) -> JournalRecord:
    """A record that would be the journal's next."""
    sequence, last_hash, timeline = _last(site)
    (genuine,) = _records(site, 1)
    return msgspec.structs.replace(
        genuine,
        type="account.noticed",
        sequence=sequence + 1,
        timeline=timeline,
        prev_hash=last_hash,
        hash=own_hash,
        payload=payload,
    )


def repeat_batches(site: Site, chance: random.Random) -> None:
    """Genuine batches come again, several times and in any order."""
    records = _records(site, 400)
    batches = [records[start : start + 100] for start in range(0, len(records), 100)] * 3
    chance.shuffle(batches)
    bodies = [(encode_batch(batch), events.BATCH_CONTENT_TYPE) for batch in batches]
    _publish(site, EXCHANGE, ROUTING_KEY, bodies)


def lose_batches(site: Site, chance: random.Random) -> None:
    """What waits for the dashboard is thrown away."""
    site.send_signal("dashboard-jobs", signal.SIGSTOP)
    try:
        site.load.wait_until_moving(20)
        lost = wait_until(lambda: _purge(site, JOURNAL_QUEUE), WAIT_SECONDS, "a batch to be thrown away")
        assert lost > 0
    finally:
        site.send_signal("dashboard-jobs", signal.SIGCONT)


def poison_events(site: Site, chance: random.Random) -> None:
    """Messages that are no events are parked, and the event behind them is handled."""
    people = site.rows("dashboard", PEOPLE)[0][0]
    letters = AmqpDeadLetters(site.broker.amqp_url, [EVENT_QUEUE])
    before = {letter.id for letter in letters.list(EVENT_QUEUE)}
    another = _event()
    body = events.encode(msgspec.structs.replace(another, type=another.type + "9"))
    strange = [*BROKEN_EVENTS, (body, events.CONTENT_TYPE)]
    chance.shuffle(strange)
    _publish(site, EVENTS_EXCHANGE, REGISTERED, strange)
    _publish(site, EVENTS_EXCHANGE, REGISTERED, [(events.encode(_event()), events.CONTENT_TYPE)])
    wait_until(lambda: _parked(letters, before, len(strange)), WAIT_SECONDS, "the poison to be parked")
    wait_until(
        lambda: site.rows("dashboard", PEOPLE)[0][0] == people + 1, WAIT_SECONDS, "the event to be handled"
    )
    _purge(site, topology.dead_queue(EVENT_QUEUE))


def failing_handler(site: Site, chance: random.Random) -> None:
    """A handler that fails whenever it meets one event: that one is parked after its last attempt, others
    pass, and replayed once the reason has gone it is handled once.
    """
    bad, good = _event(), _event()
    people = site.rows("dashboard", PEOPLE)[0][0]
    letters = AmqpDeadLetters(site.broker.amqp_url, [EVENT_QUEUE])
    before = {letter.id for letter in letters.list(EVENT_QUEUE)}
    site.rows("dashboard", f"ALTER TABLE inbox ADD CONSTRAINT in_the_way CHECK (id <> '{bad.id}') NOT VALID")
    try:
        last_attempt = {ATTEMPT_HEADER: len(RETRY_DELAYS_SECONDS) + 1}
        _publish(site, EVENTS_EXCHANGE, REGISTERED, [(events.encode(bad), events.CONTENT_TYPE)], last_attempt)
        _publish(site, EVENTS_EXCHANGE, REGISTERED, [(events.encode(good), events.CONTENT_TYPE)] * 3)
        [parked] = wait_until(lambda: _parked(letters, before, 1), WAIT_SECONDS, "the event to be parked")
        wait_until(
            lambda: site.rows("dashboard", PEOPLE)[0][0] == people + 1,
            WAIT_SECONDS,
            "the other to be handled",
        )
    finally:
        site.rows("dashboard", "ALTER TABLE inbox DROP CONSTRAINT in_the_way")
    assert letters.replay(parked, EVENT_QUEUE) == 1
    wait_until(
        lambda: site.rows("dashboard", PEOPLE)[0][0] == people + 2, WAIT_SECONDS, "the parked to be handled"
    )


def _parked(letters: AmqpDeadLetters, before: set[str], count: int) -> list[str]:
    """So many dead letters, beside those that others have left there before."""
    found = [letter.id for letter in letters.list(EVENT_QUEUE) if letter.id not in before]
    assert len(found) == count, found
    return found


def _event() -> events.Event:
    person = ids.new_id()
    return events.new_event(events.PERSON_REGISTERED, person, {"id": person, "version": 1})


def _records(site: Site, count: int) -> list[JournalRecord]:
    """The last records of the journal."""
    database = Database(site.deployment.database_url("ledger"))
    with closing(database), database.read() as connection:
        last = _last(site)[0]
        return [record.to_journal() for record in records_after(connection, 0, max(0, last - count), count)]


def _last(site: Site) -> tuple[int, str, str]:
    [(sequence, last_hash, timeline)] = site.rows("ledger", LAST)
    return sequence, last_hash, timeline


def is_up_to_date(site: Site) -> bool:
    [(sequence, last_hash, stalled)] = site.rows("dashboard", POSITION)
    return (sequence, last_hash) == _last(site)[:2] and stalled is None


def _publish(
    site: Site,
    exchange: str,
    key: str,
    bodies: list[tuple[bytes, str]],
    headers: dict[str, int] | None = None,
) -> None:
    link = ConfirmingChannel(site.broker.amqp_url, "faults")
    try:
        for body, content_type in bodies:
            link.publish(
                body,
                exchange,
                key,
                content_type=content_type,
                message_id=ids.new_id(),
                timestamp=clock.now_us() // clock.MICROSECONDS,
                delivery_mode=2,
                application_headers=headers or {},
            )
        link.wait_for_confirms()
    finally:
        link.close()


def _purge(site: Site, queue: str) -> int:
    """How many messages have been thrown away."""
    with connect(site.broker.amqp_url, "faults") as connection:
        return int(connection.channel().queue_purge(queue))
