"""What changes identity: registering, signing in and out. Each is one transaction, its event in the
outbox.
"""

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from services.cop.identity import passwords, rules
from services.cop.identity.resources import Resources
from services.cop.identity.tables import SEARCH_NAME_LENGTH, attempts, outbox, people, sessions
from services.cop.identity.views import person_view
from shared.contracts import clock, ids
from shared.contracts import identity as contract
from shared.contracts.errors import Fault, Refusal
from shared.contracts.events import PERSON_REGISTERED, new_event
from shared.messaging.service import Request
from shared.observability import trace
from shared.outbox.table import record

TELLING = ("kind", "name", "email", "roles", "listed", "locale")
"""What tells one registration from another. The password is not compared: only its slow hash is kept."""


def create_person(identity: Resources, request: Request) -> dict[str, Any]:
    """Register a person or an organisation; the same again, under the same id, answers as the first time."""
    rules.require_registrar(request.principal)
    given = request.arguments
    person_id = given["id"] or ids.new_id()
    email = rules.normal_email(given["email"]) if given["email"] else None
    if email and len(email) > contract.EMAIL_MAX_LENGTH:
        # Writing a letter small may make two or three of it.
        fault = Fault(
            "/email", "too-long", f"at most {contract.EMAIL_MAX_LENGTH} characters in small letters"
        )
        raise Refusal("invalid-request", (fault,))
    values = {
        "id": person_id,
        "version": 1,
        "kind": given["kind"],
        "name": given["name"],
        "search_name": given["name"].casefold()[:SEARCH_NAME_LENGTH],
        "email": email,
        "password_hash": passwords.hash_password(given["password"]) if given["password"] else None,
        "roles": " ".join(rules.granted_roles(given["roles"])),
        "listed": given["listed"],
        "locale": given["locale"],
        "created_at": clock.now_us(),
    }
    try:
        with identity.database.write() as connection:
            existing = connection.execute(select(people).where(people.c.id == person_id)).first()
            if existing is not None:
                if any(getattr(existing, field) != values[field] for field in TELLING):
                    raise Refusal("id-reused", id=person_id)
                return person_view(existing)
            connection.execute(insert(people).values(values))
            event = new_event(
                PERSON_REGISTERED,
                person_id,
                {"id": person_id, "version": 1},
                traceparent=trace.traceparent(),
            )
            record(connection, outbox, event)
            return person_view(connection.execute(select(people).where(people.c.id == person_id)).one())
    except IntegrityError as error:
        raise Refusal("email-taken") from error


def sign_in(identity: Resources, request: Request) -> dict[str, Any]:
    """A new session for the right e-mail address and password; wrong ones make the address wait longer and
    longer.
    """
    email = rules.normal_email(request.arguments["email"])
    key = rules.secret_hash(email)
    with identity.database.read() as connection:
        person = connection.execute(select(people).where(people.c.email == email)).first()
    with identity.database.write() as connection:
        _begin_attempt(connection, key)
    if not passwords.matches(person.password_hash if person else None, request.arguments["password"]):
        raise Refusal("wrong-credentials")
    assert person is not None
    secret = rules.new_session_secret()
    now = clock.now_us()
    with identity.database.write() as connection:
        connection.execute(delete(attempts).where(attempts.c.email_hash == key))
        connection.execute(
            insert(sessions).values(
                secret_hash=rules.secret_hash(secret),
                person=person.id,
                created_at=now,
                expires_at=now + rules.SESSION_LIFETIME_US,
            )
        )
    return {
        "session": secret,
        "expires_at": clock.to_text(now + rules.SESSION_LIFETIME_US),
        "person": person_view(person),
    }


def sign_out(identity: Resources, request: Request) -> dict[str, Any]:
    """End a session; ending it again changes nothing."""
    with identity.database.write() as connection:
        key = rules.secret_hash(request.arguments["session"])
        connection.execute(delete(sessions).where(sessions.c.secret_hash == key))
    return {}


def forget_expired(identity: Resources) -> bool:
    """Delete sessions that have ended and old counts of attempts."""
    now = clock.now_us()
    with identity.database.write() as connection:
        connection.execute(delete(sessions).where(sessions.c.expires_at < now))
        day_ago = now - 24 * 3600 * clock.MICROSECONDS
        connection.execute(delete(attempts).where(attempts.c.last_failed_at < day_ago))
    return False


def _begin_attempt(connection: Connection, key: bytes) -> None:
    """Count an attempt as failed before it is looked at, so that many at once are no way around the wait.

    Raises Refusal `too-many-attempts`.
    """
    insert_new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    fresh = {"email_hash": key, "failures": 0, "last_failed_at": 0}
    connection.execute(insert_new(attempts).values(fresh).on_conflict_do_nothing())
    known = connection.execute(select(attempts).where(attempts.c.email_hash == key).with_for_update()).one()
    now = clock.now_us()
    seconds = rules.wait_seconds(known.failures, known.last_failed_at, now)
    if seconds:
        raise Refusal("too-many-attempts", seconds=seconds)
    connection.execute(
        update(attempts)
        .where(attempts.c.email_hash == key)
        .values(failures=known.failures + 1, last_failed_at=now)
    )
