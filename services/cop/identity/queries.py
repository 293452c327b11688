"""What identity answers: sessions exchanged for internal tokens, names, and who can be found."""

from typing import Any

from sqlalchemy import select

from services.cop.identity import rules
from services.cop.identity.resources import Resources
from services.cop.identity.tables import people, sessions
from services.cop.identity.views import person_view
from shared.auth.tokens import LIFETIME_SECONDS
from shared.contracts import clock
from shared.contracts.errors import Refusal
from shared.messaging.service import Request


def exchange(identity: Resources, request: Request) -> dict[str, Any]:
    """Internal tokens, one per audience, for the person whose session it is. Refuses a session that has
    ended.
    """
    key = rules.secret_hash(request.arguments["session"])
    with identity.database.read() as connection:
        person = connection.execute(
            select(people)
            .join(sessions, sessions.c.person == people.c.id)
            .where(sessions.c.secret_hash == key, sessions.c.expires_at > clock.now_us())
        ).first()
    if person is None:
        raise Refusal("not-signed-in")
    roles = frozenset(person.roles.split())
    return {
        "person": person_view(person),
        "tokens": {
            audience: identity.signer.sign(person.id, audience, roles)
            for audience in request.arguments["audiences"]
        },
        "expires_at": clock.to_text(clock.now_us() + LIFETIME_SECONDS * clock.MICROSECONDS),
    }


def get_names(identity: Resources, request: Request) -> dict[str, Any]:
    """The names behind ids, for people who deal with each other; ids without one are left out."""
    with identity.database.read() as connection:
        rows = connection.execute(
            select(people.c.id, people.c.name).where(people.c.id.in_(request.arguments["ids"]))
        )
        return {"names": {row.id: row.name for row in rows}}


def find_listed(identity: Resources, request: Request) -> dict[str, Any]:
    """Listed people and organisations whose name contains the text."""
    text = request.arguments["text"].casefold()
    with identity.database.read() as connection:
        rows = connection.execute(
            select(people.c.id, people.c.kind, people.c.name)
            .where(people.c.listed, people.c.search_name.contains(text, autoescape=True))
            .order_by(people.c.search_name, people.c.id)
            .limit(request.arguments["limit"])
        )
        return {"data": [{"id": row.id, "kind": row.kind, "name": row.name} for row in rows]}
