"""The community of practice on its own database: migrations, and the events of what is done."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select

from services.cop.discussions.tables import topics
from services.cop.groups.tables import groups
from services.cop.resources import Resources
from services.cop.schema import METADATA, outbox
from services.cop.service import SERVICE
from shared.auth.principal import MEMBER, Principal
from shared.contracts import clock, events, ids
from shared.db.engine import Database
from shared.db.migrations import downgrade, is_current, upgrade
from shared.messaging.dispatch import load
from shared.messaging.service import Request

FOLDER = "services/cop"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    upgrade(FOLDER, database)
    yield database
    database.close()


def test_migrations_up_and_down(database: Database) -> None:
    assert is_current(FOLDER, database)
    assert {groups.name, topics.name} <= set(METADATA.tables)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    downgrade(FOLDER, database, "base")
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    upgrade(FOLDER, database)
    assert is_current(FOLDER, database)


def test_groups_of_before_are_found_by_any_way_of_writing(database_url: str) -> None:
    database = Database(database_url)
    upgrade(FOLDER, database, "0001")
    name, text = "Économie", "مدرسة الأحياء"
    kept = {
        "name": name,
        "description": text,
        "search_name": name.casefold(),
        "search_text": f"{name}\n{text}",
    }
    rest = dict.fromkeys(("territory", "creator"), "") | {"language": "fr", "kind": "open", "version": 1}
    rules = {"visibility": "public", "join_policy": "open", "request": b"", "created_at": 1}
    with database.write() as connection:
        connection.execute(insert(groups).values(id=ids.new_id(), **kept, **rest, **rules))
    upgrade(FOLDER, database)
    ana = Principal(ids.new_id(), frozenset({MEMBER}), clock.deadline(60))
    call = SERVICE.calls["list_groups"]
    for sought in ("economie", "ECONOMIE الاحياء", "مدرسه"):
        request = Request(load(call, {"text": sought}), ana, clock.deadline(60))
        assert [each["name"] for each in call.handler(Resources(database), request)["data"]] == [name]
    database.close()


def test_events_tell_ids_and_versions_and_no_words(database: Database) -> None:
    ana, ben = (Principal(ids.new_id(), frozenset({MEMBER}), clock.deadline(60)) for _ in range(2))

    def ask(who: Principal, call: str, **arguments: Any) -> Any:
        called = SERVICE.calls[call]
        request = Request(load(called, arguments), who, clock.deadline(60))
        return called.handler(Resources(database), request)

    group = ask(ana, "create_group", kind="open", name="Huertos")["id"]
    ask(ben, "join_group", group=group)
    words = {"body": "Who waters?", "language": "en"}
    topic = ask(ben, "open_topic", group=group, title="Water", **words)["id"]
    reply = ask(ana, "add_reply", topic=topic, **words)["id"]
    ask(ben, "leave_group", group=group)
    with database.read() as connection:
        rows = list(connection.execute(select(outbox).order_by(outbox.c.sequence)))
    told = [events.decode(row.body) for row in rows]
    assert [(event.key, event.data) for event in told] == [
        ("cop.group.created.v1", {"id": group, "version": 1}),
        ("cop.member.joined.v1", {"id": group, "person": ana.subject, "version": 1}),
        ("cop.member.joined.v1", {"id": group, "person": ben.subject, "version": 1}),
        ("cop.topic.opened.v1", {"id": topic, "version": 1, "group": group}),
        ("cop.reply.added.v1", {"id": reply, "version": 1, "topic": topic, "group": group}),
        ("cop.member.left.v1", {"id": group, "person": ben.subject, "version": 1}),
    ]
    assert {row.exchange for row in rows} == {"cop.events"}
    assert b"Water" not in msgspec.json.encode(told)
