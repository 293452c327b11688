"""`medtown dead-letters`: with no server, beside the embedded one, and over RabbitMQ."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shared.contracts import events, ids
from shared.contracts.events import PERSON_REGISTERED
from shared.db.engine import Database
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.inprocess import deliveries
from shared.messaging.publisher import Message
from tests.integration.commands.site import Site
from tests.support.broker import PrivateBroker
from tests.support.commands import medtown
from tests.support.deployment import Deployment
from tests.support.installations import DISTRIBUTED, EMBEDDED
from tests.support.waiting import wait_until

WAIT_SECONDS = 20.0
QUEUE = f"dashboard.{PERSON_REGISTERED.key}"
TELLING = b'{"type": "org.medtown.odd\\u001b[31m", "email": "ana@example.org", "at": "bob@example.org"}'

Letter = dict[str, Any]


class Desk:
    """Where an operator looks at dead letters. `put` brings a message to the dashboard, which cannot take it;
    `is_served` says whether it runs.
    """

    def __init__(self, site: Site, put: Callable[[Message], None], *, is_served: bool = True) -> None:
        self.site = site
        self.is_served = is_served
        self._put = put

    def letters(self, *options: str) -> list[Letter]:
        done = self.site.run("dead-letters", "list", "--json", *options)
        assert done.code == 0, done
        letters: list[Letter] = json.loads(done.out)
        return letters

    def park(self) -> Letter:
        """A new dead letter with the body TELLING."""
        before = {letter["id"] for letter in self.letters()}
        self._put(
            Message("identity.events", "person.registered.v1", TELLING, events.CONTENT_TYPE, ids.new_id())
        )
        new = wait_until(
            lambda: [letter for letter in self.letters() if letter["id"] not in before],
            WAIT_SECONDS,
            "the message in the list",
        )
        assert isinstance(new, list)
        [letter] = new
        assert isinstance(letter, dict)
        return letter

    def ids(self) -> list[str]:
        return [letter["id"] for letter in self.letters()]


def park_on_disk(url: str, message: Message) -> None:
    """A delivery given up in the embedded bus's database."""
    database = Database(url)
    with database.write() as connection:
        deliveries.metadata.create_all(connection)
        deliveries.add(connection, [(QUEUE, message)])
        newest = connection.scalar(select(func.max(deliveries.deliveries.c.id)))
        deliveries.settle(connection, [], [deliveries.Failure(newest, 1, None, "not-a-cloudevent")])
    database.close()


def alone_in(folder: Path) -> Desk:
    """An installation that no server runs on; it has a bus, and nothing else."""
    data = folder / "data"
    data.mkdir()
    url = f"sqlite:///{data}/bus.sqlite3"
    desk = Desk(Site.alone(data), lambda message: park_on_disk(url, message), is_served=False)
    database = Database(url)
    with database.write() as connection:
        deliveries.metadata.create_all(connection)
    database.close()
    return desk


@pytest.fixture(params=[pytest.param("alone", marks=pytest.mark.embedded), EMBEDDED, DISTRIBUTED])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    if request.param == "alone":
        return alone_in(tmp_path)
    deployment: Deployment = request.getfixturevalue(request.param)
    if request.param == "embedded":
        url = f"sqlite:///{deployment.data}/bus.sqlite3"
        return Desk(Site.of(deployment), lambda message: park_on_disk(url, message))
    broker: PrivateBroker = request.getfixturevalue("broker")

    def publish(message: Message) -> None:
        publisher = AmqpPublisher(broker.amqp_url)
        assert publisher.publish([message]) == [True]
        publisher.close()

    return Desk(Site.of(deployment), publish)


def test_a_dead_letter_is_listed_and_shown_without_what_tells_of_persons(desk: Desk) -> None:
    letter = desk.park()
    assert letter["queue"] == QUEUE
    assert letter["reason"] == "not-a-cloudevent"
    assert letter["attempts"] == 1
    assert letter["size"] == len(TELLING)
    table = desk.site.run("dead-letters", "list", "--queue", QUEUE)
    [line] = [line for line in table.out.splitlines() if line.startswith(letter["id"])]
    assert line.split()[1] == QUEUE
    shown = desk.site.run("dead-letters", "show", letter["id"])
    assert shown.code == 0
    assert "org.medtown.odd" in shown.out
    for telling in ("ana@", "bob@", "\x1b"):
        assert telling not in shown.out + table.out
    as_json = json.loads(desk.site.run("dead-letters", "show", letter["id"], "--json").out)
    assert {**letter, "body": as_json["body"]} == as_json


def test_a_replay_gives_it_back_to_its_consumer(desk: Desk) -> None:
    letter = desk.park()
    done = desk.site.run("dead-letters", "replay", letter["id"])
    assert (done.code, done.out) == (0, "1 replayed\n")
    if desk.is_served:
        # It still is no event: its consumer gives it up again, under the same id.
        wait_until(lambda: letter["id"] in desk.ids(), WAIT_SECONDS, "the message to be parked again")
    else:
        assert desk.ids() == [], "it waits for the next start"
    again = desk.site.run("dead-letters", "replay", "--all", "--queue", QUEUE, "--json")
    assert (json.loads(again.out)["replayed"] > 0) is desk.is_served


def test_what_nobody_will_handle_is_dropped_for_good(desk: Desk) -> None:
    kept, dropped = desk.park(), desk.park()
    command = ("dead-letters", "drop", dropped["id"])
    assert "add --yes" in desk.site.run(*command).refusal
    unknown = desk.site.run(*command, "0123", "--yes").refusal
    assert unknown == "no dead letter has the id 0123; nothing was deleted"
    assert {kept["id"], dropped["id"]} <= set(desk.ids())
    done = desk.site.run(*command, dropped["id"], "--yes", "--json")
    assert (done.code, json.loads(done.out)) == (0, {"dropped": 1})
    assert kept["id"] in desk.ids()
    assert dropped["id"] not in desk.ids()
    assert "no dead letter has the id" in desk.site.run("dead-letters", "replay", dropped["id"]).refusal


def test_what_is_not_there_is_refused_in_a_line(desk: Desk) -> None:
    run = desk.site.run
    assert run("dead-letters", "show", "0123\x1b").refusal == "no dead letter has the id 0123\\x1b"
    assert run("dead-letters", "replay", "0123").refusal == "no dead letter has the id 0123"
    refusal = "name one dead letter by its id, or all of them with --all"
    assert run("dead-letters", "replay").refusal == refusal
    assert run("dead-letters", "replay", "0123", "--all").refusal == refusal


@pytest.mark.embedded
def test_where_nothing_is_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    desk = alone_in(tmp_path)
    assert desk.site.run("dead-letters", "list").out == "no dead letters\n"
    nowhere = medtown("dead-letters", "list", environment={"MEDTOWN_DATA": str(tmp_path / "nowhere")})
    assert "there is no installation in" in nowhere.refusal
    assert not (tmp_path / "nowhere").exists()


def test_a_broker_that_is_away_is_told_in_a_line() -> None:
    environment = {"MEDTOWN_AMQP_URL": "amqp://somebody:secret@127.0.0.1:9/"}
    refusal = medtown("dead-letters", "list", environment=environment).refusal
    assert refusal.startswith("the broker refuses or does not answer")
    assert "secret" not in refusal
