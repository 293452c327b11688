"""What the toolbox is asked and answers: documents with versions; and the events of what happens to them.

A file travels apart from its call: the gateway stages it in the store of files and names its key, its size
and its SHA-256, which the toolbox checks for itself.
"""

from marshmallow import Schema, fields, validate

from shared.contracts.ledger import Arguments, Page
from shared.contracts.primitives import ID_PATTERN, matching

SERVICE = "toolbox"
AUDIENCE = "toolbox"

PUBLIC = "public"
SIGNED_IN = "signed-in"
ACCESS_LEVELS = (PUBLIC, SIGNED_IN)
"""Who may read a document: anybody, or whoever is signed in."""

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_FILE_NAME_LENGTH = 10_000
"""What is taken in; what is kept of it is much shorter."""
MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 4_000
MAX_TAGS = 10
MAX_TAG_LENGTH = 40
MAX_NOTE_LENGTH = 500
MAX_VERSIONS = 200
LANGUAGE_PATTERN = r"^(?!\n)$|^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}(?!\n)$"


class DocumentInput(Schema):
    """What its owner says of a document. The title is the file's name unless one is given."""

    title = fields.String(load_default="", validate=validate.Length(max=MAX_TITLE_LENGTH))
    description = fields.String(load_default="", validate=validate.Length(max=MAX_DESCRIPTION_LENGTH))
    tags = fields.List(
        fields.String(validate=validate.Length(1, MAX_TAG_LENGTH)),
        load_default=list,
        validate=validate.Length(max=MAX_TAGS),
    )
    language = fields.String(
        load_default="",
        validate=validate.Regexp(
            LANGUAGE_PATTERN, error="A language is a tag of BCP 47, such as ar or pt-PT."
        ),
    )
    access = fields.String(load_default=SIGNED_IN, validate=validate.OneOf(ACCESS_LEVELS))
    note = fields.String(load_default="", validate=validate.Length(max=MAX_NOTE_LENGTH))


class VersionInput(Schema):
    """What is said of a new version."""

    note = fields.String(load_default="", validate=validate.Length(max=MAX_NOTE_LENGTH))


class StagedFile(Arguments):
    """A file in the store, as the gateway took it in. `claimed_type` is what the sender called its type."""

    staged = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{32}$"))
    size = fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_FILE_BYTES))
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))
    claimed_type = fields.String(load_default="", validate=validate.Length(max=200))
    file_name = fields.String(required=True, validate=validate.Length(max=MAX_FILE_NAME_LENGTH))


class AddDocument(StagedFile, DocumentInput):
    """The same id with the same content answers as the first time."""

    id = fields.String(validate=matching(ID_PATTERN), load_default=None, allow_none=True)


class AddVersion(StagedFile, VersionInput):
    """`id` is the version's own; the same one with the same content answers as the first time."""

    id = fields.String(validate=matching(ID_PATTERN), load_default=None, allow_none=True)
    document = fields.String(required=True, validate=validate.Length(max=40))


class ById(Arguments):
    id = fields.String(required=True, validate=validate.Length(max=40))


class ListDocuments(Page):
    """Newest first; those in which every word of `text` occurs."""

    text = fields.String(load_default="", allow_none=True, validate=validate.Length(max=200))


class GrantDownload(ById):
    """A version by its number; the newest, where none is given."""

    version = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, MAX_VERSIONS)
    )


class DocumentVersionView(Schema):
    """One state of a document's file. `parent` is the number of the version that it follows. `sha256` is in
    hexadecimal.
    """

    number = fields.Integer(required=True)
    parent = fields.Integer(required=True, allow_none=True)
    file_name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    note = fields.String(required=True)
    created_by = fields.String(required=True)
    created_at = fields.String(required=True)


class DocumentView(Schema):
    """A document with its newest version. `may_change`: whoever asks may add versions and delete it."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    language = fields.String(required=True)
    access = fields.String(required=True)
    owner = fields.String(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    latest = fields.Nested(DocumentVersionView, required=True)
    may_change = fields.Boolean(required=True)


class DocumentWithVersionsView(DocumentView):
    """With all versions, the newest first."""

    versions = fields.List(fields.Nested(DocumentVersionView), required=True)


class DocumentChanged(Schema):
    """Data of the events of a document: its id, and the number of its newest version."""

    id = fields.String(required=True)
    version = fields.Integer(required=True)
