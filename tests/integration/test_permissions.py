"""Each process's credentials are refused what it does not need: at the broker a test per user, in the
databases a test per role. That they suffice for the work is told by test_compose.py, which runs with them.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import amqp
import psycopg
import pytest
from amqp.exceptions import AccessRefused, ResourceLocked

from deploy.installing import broker, database
from deploy.installing.processes import everything, migrations, users
from deploy.services import SERVICES
from shared.messaging.amqp.connection import ConfirmingChannel, connect
from tests.integration import rights
from tests.support.composed import ComposedDeployment

pytestmark = pytest.mark.distributed

USERS = sorted(users())
RESTRICTED = sorted(process.name for process in everything().values() if process.service)
DEFINITIONS = broker.definitions()
CALLERS = {"gateway", "tools", "dashboard-jobs", "ledger-jobs"}
"""Who may send calls at all; everybody else only answers."""


@contextmanager
def channel(composed: ComposedDeployment, user: str) -> Iterator[amqp.Channel]:
    with connect(composed.amqp_url(user), "permissions") as connection:
        yield connection.channel()


def may_publish(composed: ComposedDeployment, user: str, exchange: str, key: str) -> bool:
    """Whether the broker takes a message of this user. Nobody listens to the key, or nobody can decode it."""
    link = ConfirmingChannel(composed.amqp_url(user), "permissions")
    try:
        link.publish(b"", exchange, key, expiration="1")
        link.wait_for_confirms()
    except AccessRefused:
        return False
    finally:
        link.abandon()
    return True


def may_read(composed: ComposedDeployment, user: str, queue: str) -> bool:
    with channel(composed, user) as open_channel:
        try:
            open_channel.basic_get(queue)
        except AccessRefused:
            return False
        except ResourceLocked:  # the right is there, but one consumer at a time has its turn
            return True
    return True


@pytest.mark.parametrize("user", USERS)
def test_a_user_needs_its_own_password(composed: ComposedDeployment, user: str) -> None:
    password = "wrong" if user != "tools" else ""
    with pytest.raises(AccessRefused):
        connect(composed.broker.url(user, password, broker.VIRTUAL_HOST), "permissions")


def test_there_is_no_other_user_and_nobody_is_an_administrator(composed: ComposedDeployment) -> None:
    with pytest.raises(AccessRefused):
        connect(composed.broker.url("guest", "guest", broker.VIRTUAL_HOST), "permissions")
    assert all(user["tags"] == [] for user in DEFINITIONS["users"])


@pytest.mark.parametrize("user", USERS)
def test_only_the_jobs_of_a_service_publish_its_events(composed: ComposedDeployment, user: str) -> None:
    taken = {
        service
        for service, keys in broker.published().items()
        if may_publish(composed, user, f"{service}.events", sorted(keys)[0] + ".unheard")
        or may_publish(composed, user, f"{service}.events", sorted(keys)[0])
    }
    assert taken == {service for service in broker.published() if user == f"{service}-jobs"}


def test_only_the_relay_of_the_ledger_publishes_on_its_exchange(composed: ComposedDeployment) -> None:
    allowed = {user for user in USERS if may_publish(composed, user, "ledger.events", "journal.v1.0")}
    assert allowed == {"ledger-jobs"}
    assert not may_publish(composed, "ledger-jobs", "ledger.events", "person.registered.v1")


@pytest.mark.parametrize("user", USERS)
def test_a_queue_is_read_by_its_consumer_alone(composed: ComposedDeployment, user: str) -> None:
    queues = [queue["name"] for queue in DEFINITIONS["queues"] if ".retry." not in queue["name"]]
    read = {queue for queue in queues if may_read(composed, user, queue)}
    dead = {queue for queue in queues if queue.endswith(".dead")}
    if user == "tools":
        assert read == dead
        return
    consumer = user.removesuffix("-jobs")
    journals = {queue for queue in queues if queue.startswith(f"{consumer}.journal.")}
    events = {queue for queue in queues if queue.startswith(f"{consumer}.")} - journals - dead
    assert read == (journals if user.endswith("-jobs") else events)


@pytest.mark.parametrize("user", USERS)
def test_calls_are_read_by_the_service_that_answers_them(composed: ComposedDeployment, user: str) -> None:
    queues = {"rpc-ledger_writer_0": "ledger-writer"} | {f"rpc-{service}": service for service in SERVICES}
    for queue, answering in queues.items():
        if user != answering:
            assert not may_read(composed, user, queue), queue


@pytest.mark.parametrize("user", USERS)
def test_commands_are_sent_by_the_gateway_the_tools_and_the_ledgers_timekeeper_alone(
    composed: ComposedDeployment, user: str
) -> None:
    sends = may_publish(composed, user, "nameko-rpc", "ledger_writer_0.decide")
    assert sends == (user in {"gateway", "tools", "ledger-jobs"})
    journal = may_publish(composed, user, "nameko-rpc", "ledger.journal_since")
    assert journal == (user in {"tools", "dashboard-jobs"})
    # Of the patterns of all calls, tests/unit/deploy/test_broker_calls.py.
    exchange = may_publish(composed, user, "nameko-rpc", "identity.exchange")
    assert exchange == (user in {"gateway", "tools"})


@pytest.mark.parametrize("user", USERS)
def test_nobody_goes_past_the_exchanges(composed: ComposedDeployment, user: str) -> None:
    assert not may_publish(composed, user, "", "rpc-ledger_writer_0")
    assert not may_publish(composed, user, "amq.topic", "anything")


@pytest.mark.parametrize("user", USERS)
def test_nobody_declares_what_is_not_its_own(composed: ComposedDeployment, user: str) -> None:
    for name in ("intruder", f"rpc.reply-{user}-intruder", f"{user}.intruder", "rpc.reply-" + str(uuid4())):
        with channel(composed, user) as open_channel, pytest.raises(AccessRefused):
            open_channel.queue_declare(name, durable=True, auto_delete=False)
    with channel(composed, user) as open_channel, pytest.raises(AccessRefused):
        open_channel.exchange_declare("intruder.events", "topic", durable=True, auto_delete=False)


@pytest.mark.parametrize("user", USERS)
def test_nobody_listens_to_the_answers_or_calls_of_others(composed: ComposedDeployment, user: str) -> None:
    reply = f"rpc.reply-{user}-{uuid4()}"
    with channel(composed, user) as open_channel:
        if user not in CALLERS:
            with pytest.raises(AccessRefused):
                open_channel.queue_declare(reply, durable=False, auto_delete=True)
            return
        open_channel.queue_declare(reply, durable=False, auto_delete=True, exclusive=True)
        with pytest.raises(AccessRefused):
            open_channel.queue_bind(reply, "nameko-rpc", "#")


def test_the_dashboard_hears_only_what_it_listens_to(composed: ComposedDeployment) -> None:
    queue = "dashboard.identity.person.registered.v1"
    with channel(composed, "dashboard") as open_channel, pytest.raises(AccessRefused):
        open_channel.queue_bind(queue, "identity.events", "#")
    with channel(composed, "dashboard") as open_channel, pytest.raises(AccessRefused):
        open_channel.queue_bind(queue, "ledger.events", "journal.v1.0")


# The databases


@contextmanager
def signed_in(composed: ComposedDeployment, process: str) -> Iterator[psycopg.Connection]:
    url = composed.database_url(process).replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def refused(composed: ComposedDeployment, process: str, *statements: str) -> None:
    """See that each statement is refused for want of a right, not by a trigger or for what it says."""
    with signed_in(composed, process) as connection:
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


@pytest.mark.parametrize("table", ["journal", "entries"])
def test_the_writer_adds_to_the_books_and_never_changes_them(
    composed: ComposedDeployment, table: str
) -> None:
    refused(
        composed,
        "ledger-writer",
        f"UPDATE {table} SET sequence = 0",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"DROP TRIGGER {table}_append_only ON {table}",
    )


def test_the_writer_cannot_lift_a_freeze_nor_forget_a_refusal(composed: ComposedDeployment) -> None:
    refused(
        composed,
        "ledger-writer",
        "UPDATE partitions SET frozen = FALSE",
        "UPDATE partitions SET timeline = ''",
        "DELETE FROM partitions",
        "DELETE FROM refusals",
        "UPDATE notes SET memo = ''",
        "UPDATE accounts SET holder = NULL",
        "SELECT * FROM relay_cursors",
    )


def test_the_ledgers_queries_read_alone(composed: ComposedDeployment) -> None:
    books = ("journal", "entries", "notes", "currencies", "accounts", "balances", "things", "partitions")
    written = (*books, "late_entries", "late_days", "delegations", "reading_cursors")
    refused(composed, "ledger", *(f"DELETE FROM {table}" for table in written))
    refused(composed, "ledger", *(f"INSERT INTO {table} DEFAULT VALUES" for table in written))
    refused(composed, "ledger", "UPDATE balances SET balance = 0", "SELECT * FROM refusals")


def test_the_ledgers_relay_writes_its_cursor_alone(composed: ComposedDeployment) -> None:
    refused(
        composed,
        "ledger-jobs",
        "INSERT INTO journal DEFAULT VALUES",
        "UPDATE journal SET sequence = 0",
        "DELETE FROM journal",
        "UPDATE partitions SET last_sequence = 0",
        "INSERT INTO refusals DEFAULT VALUES",
        "UPDATE balances SET balance = 0",
        "DELETE FROM things",
        "DELETE FROM notes",
        "DELETE FROM relay_cursors",
        "DELETE FROM late_days",
        "UPDATE late_entries SET amount = 0",
        "UPDATE accounts SET floor = 0",
    )


def test_the_verification_may_freeze_and_change_nothing_else(composed: ComposedDeployment) -> None:
    refused(
        composed,
        "verify-ledger",
        "UPDATE partitions SET last_sequence = 0",
        "UPDATE balances SET balance = 0",
        "DELETE FROM entries",
        "INSERT INTO journal DEFAULT VALUES",
    )
    with signed_in(composed, "verify-ledger") as connection:
        connection.execute("UPDATE partitions SET frozen = frozen")


def test_who_relays_identitys_events_sees_no_personal_data(composed: ComposedDeployment) -> None:
    refused(
        composed,
        "identity-jobs",
        "SELECT * FROM people",
        "UPDATE people SET roles = ''",
        "INSERT INTO sessions DEFAULT VALUES",
        "INSERT INTO outbox DEFAULT VALUES",
    )


VERBS = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE"]
"""All that can be granted on tables (but for the last) and on sequences."""
GRANTED = """
    SELECT r.rolname, c.relname, v.verb, CASE
        WHEN c.relkind <> 'S' THEN v.verb <> 'USAGE' AND has_table_privilege(r.oid, c.oid, v.verb)
        ELSE v.verb IN ('SELECT', 'UPDATE', 'USAGE') AND has_sequence_privilege(r.oid, c.oid, v.verb)
    END, ARRAY(
        SELECT CAST(a.attname AS text) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S' AND CASE
            WHEN v.verb IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
            THEN has_column_privilege(r.oid, c.oid, a.attnum, v.verb)
        END
        ORDER BY a.attnum
    )
    FROM pg_class c, pg_roles r, unnest(CAST(%s AS text[])) WITH ORDINALITY v (verb, place)
    WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT r.rolsuper AND r.rolname <> ALL(%s) AND r.oid <> c.relowner
    ORDER BY 1, 2, v.place
"""
PREDEFINED = ["pg_read_all_data", "pg_write_all_data"]
"""PostgreSQL's own roles that may do so with every table; nobody is a member of them."""


@pytest.mark.parametrize("service", SERVICES)
def test_every_role_has_the_rights_that_are_written_down_and_no_others(
    composed: ComposedDeployment, service: str
) -> None:
    server = composed.superuser_url.rpartition("/")[0]
    with psycopg.connect(f"{server}/{service}") as connection:
        rows = connection.execute(GRANTED, [VERBS, PREDEFINED]).fetchall()
    found: dict[str, dict[str, list[str]]] = {}
    for role, table, verb, whole, columns in rows:
        if whole or columns:
            verbs = found.setdefault(role, {}).setdefault(table, [])
            verbs.append(verb if whole else f"{verb} ({', '.join(columns)})")
    joined = {
        role: {table: ", ".join(verbs) for table, verbs in tables.items()} for role, tables in found.items()
    }
    assert joined == rights.RIGHTS[service]


@pytest.mark.parametrize("process", RESTRICTED)
def test_a_role_makes_no_tables_and_empties_none(composed: ComposedDeployment, process: str) -> None:
    refused(
        composed,
        process,
        "CREATE TABLE intruder (id int)",
        "CREATE TEMPORARY TABLE intruder (id int)",
        "UPDATE alembic_version SET version_num = ''",
        "TRUNCATE alembic_version",
        "CREATE ROLE intruder",
        "CREATE DATABASE intruder",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    )
    with signed_in(composed, process) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"TRUNCATE {table}".encode())


@pytest.mark.parametrize("process", [*RESTRICTED, *migrations().values()])
def test_a_role_connects_to_its_own_database_alone(composed: ComposedDeployment, process: str) -> None:
    own = composed.database_url(process).replace("postgresql+psycopg", "postgresql")
    server, _, name = own.rpartition("/")
    for other in {*SERVICES, "postgres", "template1"} - {name}:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"{server}/{other}", connect_timeout=5)


def test_a_password_is_kept_as_postgresql_itself_would_keep_it(composed: ComposedDeployment) -> None:
    with psycopg.connect(composed.superuser_url, autocommit=True) as connection:
        connection.execute("SET password_encryption = 'scram-sha-256'")
        connection.execute("CREATE ROLE password_probe PASSWORD 'correct horse battery'")
        try:
            row = connection.execute(
                "SELECT rolpassword FROM pg_authid WHERE rolname = 'password_probe'"
            ).fetchone()
            assert row is not None
            salt = base64.b64decode(row[0].split("$")[1].split(":")[1])
            assert database.scram("correct horse battery", salt) == row[0]
        finally:
            connection.execute("DROP ROLE password_probe")


def test_every_role_has_a_password(composed: ComposedDeployment) -> None:
    with psycopg.connect(composed.superuser_url) as connection:
        found: dict[str, str] = dict(
            connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
        )
    for process in RESTRICTED:
        assert found[everything()[process].role].startswith("SCRAM-SHA-256$"), process
