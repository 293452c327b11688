"""PostgreSQL: a database for each service, a role that owns and migrates it, and a role for each process.

A process's role may do what RIGHTS says; one that is not named there may read and change every table of its
service. Nobody but the owner may make, alter or empty (TRUNCATE) a table; `connect` is given to the roles of
the service alone.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, inspect, text

from deploy.installing.processes import everything, owner_role
from deploy.services import SERVICES
from shared.db.engine import Database
from shared.db.migrations import VERSION_TABLE

READ = "SELECT"
ADD = "SELECT, INSERT"
CHANGE = "SELECT, INSERT, UPDATE"
FORGET = "SELECT, DELETE"
RELAY = "SELECT, UPDATE, DELETE"
ALL = "SELECT, INSERT, UPDATE, DELETE"
ANY = "*"
"""All tables of the service that are not named."""
SCRAM_ROUNDS = 4096
SEQUENCES = """
    SELECT s.relname, t.relname FROM pg_depend d
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_class t ON t.oid = d.refobjid
    WHERE d.classid = CAST('pg_class' AS regclass) AND d.refclassid = CAST('pg_class' AS regclass)
    AND d.deptype IN ('a', 'i') AND s.relnamespace = to_regnamespace('public')
"""
"""Those from which columns take their numbers, each with its table."""

RIGHTS: Mapping[str, Mapping[str, str]] = {
    # The truth can be added to and read, and of an account what is agreed may change. Who leads, and how far,
    # stands in the partition's row; freezing it is for the verification.
    "ledger-writer": {
        "journal": ADD,
        "entries": ADD,
        "notes": ADD,
        "refusals": ADD,
        "currencies": ADD,
        "accounts": "SELECT, INSERT, UPDATE (floor, ceiling, territory, category, terms)",
        "balances": ALL,
        "things": ALL,
        "partitions": "SELECT, INSERT, UPDATE (term, last_sequence, last_hash, last_batch, recorded_at)",
    },
    "ledger": {
        **dict.fromkeys(("journal", "entries", "notes", "currencies", "accounts", "balances"), READ),
        **dict.fromkeys(("things", "partitions"), READ),
        **dict.fromkeys(("late_entries", "late_days", "delegations", "reading_cursors"), READ),
    },
    "ledger-jobs": {
        "journal": READ,
        "notes": READ,
        "currencies": READ,
        "accounts": READ,
        "balances": READ,
        "things": READ,
        "partitions": READ,
        "relay_cursors": CHANGE,
        "reading_cursors": CHANGE,
        "late_entries": ADD,
        "late_days": CHANGE,
        "delegations": "SELECT, INSERT, DELETE",
        "refusals": FORGET,
    },
    "verify-ledger": {
        **dict.fromkeys(
            ("journal", "entries", "notes", "refusals", "currencies", "accounts", "balances", "things"),
            READ,
        ),
        **dict.fromkeys(("late_entries", "late_days", "delegations"), READ),
        **dict.fromkeys(("reading_cursors", "relay_cursors"), READ),
        "partitions": "SELECT, UPDATE (frozen)",
    },
    # Figures are read; only registrations are counted as they come.
    "dashboard": {ANY: READ, "registration_days": CHANGE, "inbox": ADD},
    "dashboard-jobs": {ANY: ALL, "registration_days": "", "inbox": FORGET},
    "rebuild-dashboard": {ANY: ALL, "registration_days": "", "inbox": ""},
    "identity": {"people": CHANGE, "sessions": ALL, "attempts": ALL, "outbox": ADD},
    # Relays what has happened and forgets what has expired: personal data are none of its business.
    "identity-jobs": {
        "sessions": FORGET,
        "attempts": FORGET,
        "outbox": RELAY,
    },
    "cop": {
        "groups": CHANGE,
        "memberships": ALL,
        "topics": CHANGE,
        "replies": CHANGE,
        "revisions": "SELECT, INSERT, DELETE",
        "outbox": ADD,
    },
    "cop-jobs": {"outbox": RELAY},
    "toolbox": {"documents": CHANGE, "versions": ADD, "outbox": ADD},
    "toolbox-jobs": {
        "documents": READ,
        "versions": "SELECT, UPDATE (file_removed_at)",
        "outbox": RELAY,
    },
}


def databases_sql() -> str:
    """Statements for psql, as a superuser: the databases, and the roles without passwords."""
    return "\n".join(_databases_lines()) + "\n"


def passwords_sql(passwords: Mapping[str, str]) -> str:
    """Statements that give roles their passwords, of which they hold only what verifies them."""
    return "".join(
        f"ALTER ROLE {role} PASSWORD '{scram(password)}';\n" for role, password in sorted(passwords.items())
    )


def scram(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL keeps of a password of ASCII characters: SCRAM-SHA-256 (RFC 5803)."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{salt_text}${stored_text}:{server_text}"


def roles_of(service: str) -> dict[str, str]:
    """The role of each process that uses a service's database, by process."""
    return {process.name: process.role for process in everything().values() if process.service == service}


def grant(service: str, database: Database) -> None:
    """Give the roles of a service's processes their rights on its tables, and no others. As the owner, after
    each migration.
    """
    with database.write() as connection:
        for statement in _grants(service, connection):
            connection.execute(text(statement))


def _grants(service: str, connection: Connection) -> Iterator[str]:
    tables = [name for name in inspect(connection).get_table_names() if name != VERSION_TABLE]
    for process, role in roles_of(service).items():
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}"
        yield f"GRANT SELECT ON {VERSION_TABLE} TO {role}"
        stated = RIGHTS.get(process, {ANY: ALL})
        named = {table: stated.get(table, stated.get(ANY, "")) for table in tables}
        given = {table: verbs for table, verbs in named.items() if verbs}
        for table, verbs in given.items():
            yield f"GRANT {verbs} ON {table} TO {role}"
        for sequence, table in connection.execute(text(SEQUENCES)).all():
            if "INSERT" in given.get(table, ""):
                yield f"GRANT USAGE ON SEQUENCE {sequence} TO {role}"


def _databases_lines() -> Iterator[str]:
    yield "-- Roles and databases of MedTOWN, for psql as a superuser; written by `make manifests`."
    yield "-- Can be run again at any time: what is there stays."
    for database in ("postgres", "template1"):
        yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;"
    for service in SERVICES:
        owner, roles = owner_role(service), sorted(roles_of(service).values())
        database = service.replace("-", "_")
        yield ""
        for role in (owner, *roles):
            yield _unless_there("pg_roles", "rolname", role, f"CREATE ROLE {role} LOGIN")
        yield _unless_there("pg_database", "datname", database, f"CREATE DATABASE {database} OWNER {owner}")
        yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;"
        yield f"GRANT CONNECT ON DATABASE {database} TO {_listed(roles)};"


def _unless_there(catalogue: str, column: str, name: str, statement: str) -> str:
    return (
        f"SELECT '{statement}' WHERE NOT EXISTS (SELECT FROM {catalogue} WHERE {column} = '{name}') \\gexec"
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
