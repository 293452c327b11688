"""What changes identity: registering, signing in and out. Each is one transaction, its event in the
outbox.
"""

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.cop.identity import passwords, rules
from services.cop.identity.resources import Resources
from services.cop.identity.tables import attempts, outbox, people, sessions
from services.cop.identity.views import person_view
from shared.contracts import clock, ids
from shared.contracts.errors import Refusal
from shared.contracts.events import PERSON_REGISTERED, new_event
from shared.messaging.service import Request
from shared.observability import trace
from shared.outbox.table import record


def create_person(identity: Resources, request: Request) -> dict[str, Any]:
    """Register a person or an organisation; the same id, name and address again answer as the first time."""
    rules.require_registrar(request.principal)
    given = request.arguments
    person_id = given["id"] or ids.new_id()
    email = rules.normal_email(given["email"]) if given["email"] else None
    values = {
        "id": person_id,
        "version": 1,
        "kind": given["kind"],
        "name": given["name"],
        "search_name": given["name"].casefold(),
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
                if (existing.name, existing.email) != (given["name"], email):
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
        failed = connection.execute(select(attempts).where(attempts.c.email_hash == key)).first()
    if failed is not None:
        seconds = rules.wait_seconds(failed.failures, failed.last_failed_at, clock.now_us())
        if seconds:
            raise Refusal("too-many-attempts", seconds=seconds)
    if not passwords.matches(person.password_hash if person else None, request.arguments["password"]):
        with identity.database.write() as connection:
            _count_failure(connection, key)
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


def _count_failure(connection: Connection, key: bytes) -> None:
    now = clock.now_us()
    counted = connection.execute(
        update(attempts)
        .where(attempts.c.email_hash == key)
        .values(failures=attempts.c.failures + 1, last_failed_at=now)
    )
    if counted.rowcount == 0:
        connection.execute(insert(attempts).values(email_hash=key, failures=1, last_failed_at=now))
