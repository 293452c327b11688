"""What identity is asked and answers: people, sign-in, sessions, internal tokens; and the event of a
registration.
"""

from marshmallow import Schema, fields, validate

from shared.contracts.ledger import Arguments
from shared.contracts.primitives import ID_PATTERN, StrictBoolean, matching

SERVICE = "identity"
AUDIENCE = "identity"
ROLES = ("administrator", "operator", "member")
KINDS = ("person", "organisation")
EMAIL_MAX_LENGTH = 254
PASSWORD_MIN_LENGTH = 12
PASSWORD_MAX_LENGTH = 200
LOCALES = ("en", "fr", "es", "pt", "el", "ar")


class SignIn(Arguments):
    email = fields.String(required=True, validate=validate.Length(1, EMAIL_MAX_LENGTH))
    password = fields.String(required=True, validate=validate.Length(1, PASSWORD_MAX_LENGTH))


class BySession(Arguments):
    """A session by its secret token, which only its holder and the gateway in passing know."""

    session = fields.String(required=True, validate=validate.Length(1, 200))


class Exchange(BySession):
    """Internal tokens for some audiences, on the strength of a session."""

    audiences = fields.List(
        fields.String(validate=validate.Length(1, 40)), required=True, validate=validate.Length(1, 8)
    )


class CreatePerson(Arguments):
    """A person, or an organisation, who may sign in where e-mail address and password are given.

    `listed`: others find the name when they look for someone to pay.
    """

    id = fields.String(validate=matching(ID_PATTERN), load_default=None, allow_none=True)
    kind = fields.String(validate=validate.OneOf(KINDS), load_default="person")
    name = fields.String(required=True, validate=validate.Length(1, 100))
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(max=EMAIL_MAX_LENGTH))
    password = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(PASSWORD_MIN_LENGTH, PASSWORD_MAX_LENGTH)
    )
    roles = fields.List(fields.String(validate=validate.OneOf(ROLES)), load_default=list)
    listed = StrictBoolean(load_default=False)
    locale = fields.String(validate=validate.OneOf(LOCALES), load_default="en")


class GetNames(Arguments):
    ids = fields.List(fields.String(), required=True, validate=validate.Length(max=200))


class FindListed(Arguments):
    """Listed people and organisations whose name contains the text, in the order of their names."""

    text = fields.String(load_default="", validate=validate.Length(max=100))
    limit = fields.Integer(strict=True, validate=validate.Range(1, 200), load_default=50)


class PersonView(Schema):
    id = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    locale = fields.String(required=True)


class SessionView(Schema):
    """`session` is the secret that the person's later requests carry as their bearer token."""

    session = fields.String(required=True)
    expires_at = fields.String(required=True)
    person = fields.Nested(PersonView, required=True)


class PersonRegistered(Schema):
    """Data of the event `identity.person.registered.v1`: no personal data, the id and its version alone."""

    id = fields.String(required=True)
    version = fields.Integer(required=True)
