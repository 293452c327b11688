"""Journal records: the exact bytes that are hashed, how they are made and how they are read.

    hash = SHA-256(previous hash || SHA-256(salt || header || payload))

The header is a JSON array `[version, partition, timeline, sequence, type, recorded_at, occurred_at]`, the
payload a JSON object with sorted keys, both UTF-8 without spaces; an array followed by an object can be taken
apart in one way only.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from shared.contracts.commands import Command
from shared.contracts.journal import GENESIS_HASH, JournalRecord

if TYPE_CHECKING:
    from services.ledger.kernel.plain import Moved

GENESIS = bytes.fromhex(GENESIS_HASH)
SALT_BYTES = 32
HEADER_VERSION = 1

canonical = msgspec.json.Encoder(order="sorted").encode
"""JSON in the one form that is hashed: sorted keys, no spaces, UTF-8."""


@dataclass(frozen=True, slots=True)
class Note:
    """What people wrote beside a transfer. It lies outside of the journal, which commits to it by
    `note_hash`.
    """

    salt: bytes
    memo: str
    case_reference: str


@dataclass(slots=True)
class Record:
    """One accepted command. `command` is its id; `note` is absent where none was given or where it has been
    erased.

    `header` and `body` are the bytes that were hashed. Times are Unix microseconds.
    """

    partition: int
    timeline: str
    sequence: int
    type: str
    recorded_at: int
    occurred_at: int
    command: str
    header: bytes
    body: bytes
    salt: bytes
    prev_hash: bytes
    hash: bytes
    note: Note | None = None
    decoded: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    """The body as far as anybody has looked at it (see `payload`)."""
    moved: "Moved | None" = field(default=None, compare=False, repr=False)
    """Of a record that the short way of plain payments has made: all that its payload says."""

    @property
    def payload(self) -> dict[str, Any]:
        """The body decoded. It must not be changed."""
        if self.decoded is None:
            self.decoded = msgspec.json.decode(self.body)
        return self.decoded

    def to_journal(self) -> JournalRecord:
        """The record as consumers of the journal see it."""
        return JournalRecord(
            partition=self.partition,
            timeline=self.timeline,
            sequence=self.sequence,
            type=self.type,
            recorded_at=self.recorded_at,
            occurred_at=self.occurred_at,
            prev_hash=self.prev_hash.hex(),
            hash=self.hash.hex(),
            payload=self.payload,
        )


@dataclass(frozen=True, slots=True)
class StoredRefusal:
    """A refusal by the rules, kept so that the same command gets the same answer. `content` is salted."""

    command: str
    principal: str
    salt: bytes
    content: bytes
    slug: str
    parameters: dict[str, Any]
    recorded_at: int


def chain(prev_hash: bytes, salt: bytes, header: bytes, body: bytes) -> bytes:
    """The hash of a record that follows the one with `prev_hash`."""
    return hashlib.sha256(prev_hash + hashlib.sha256(salt + header + body).digest()).digest()


def seal(
    *,
    partition: int,
    timeline: str,
    sequence: int,
    prev_hash: bytes,
    type: str,
    recorded_at: int,
    occurred_at: int,
    command: str,
    payload: dict[str, Any],
    salt: bytes,
    note: Note | None = None,
) -> Record:
    """The record of an accepted command, with the bytes that are kept for good and their hash."""
    header = canonical([HEADER_VERSION, partition, timeline, sequence, type, recorded_at, occurred_at])
    body = canonical(payload)
    return Record(
        partition,
        timeline,
        sequence,
        type,
        recorded_at,
        occurred_at,
        command,
        header,
        body,
        salt,
        prev_hash,
        chain(prev_hash, salt, header, body),
        note,
        payload,
    )


def unseal(
    header: bytes,
    body: bytes,
    salt: bytes,
    prev_hash: bytes,
    hash: bytes,
    command: str,
    note: Note | None = None,
) -> Record:
    """A stored record, decoded. Raises ValueError where the bytes are no record; the hash is not checked
    here.
    """
    fields = msgspec.json.decode(header)
    if not isinstance(fields, list) or len(fields) != 7 or fields[0] != HEADER_VERSION:
        raise ValueError(f"no header of version {HEADER_VERSION}: {header[:80]!r}")
    _, partition, timeline, sequence, type, recorded_at, occurred_at = fields
    payload = msgspec.json.decode(body)
    if not isinstance(payload, dict):
        raise ValueError("the payload is no object")
    return Record(
        partition,
        timeline,
        sequence,
        type,
        recorded_at,
        occurred_at,
        command,
        header,
        body,
        salt,
        prev_hash,
        hash,
        note,
        payload,
    )


def note_hash(note: Note) -> str:
    """What the journal says of a note: SHA-256(salt || `[memo, case reference]` as JSON), in hexadecimal."""
    return hashlib.sha256(note.salt + canonical([note.memo, note.case_reference])).hexdigest()


def content_hash(salt: bytes, command: Command) -> bytes:
    """What a stored refusal keeps of its command, to know it again: not to be guessed without the salt."""
    return hashlib.sha256(salt + canonical(command)).digest()


def salted_content(salt: bytes, command: Command) -> str:
    """As `content_hash`, in hexadecimal: what a record keeps of a command that it does not tell by itself."""
    return content_hash(salt, command).hex()


def committed_note(payload: dict[str, Any]) -> str | None:
    """The hash of the words that a record commits to, where it has any."""
    committed: str | None = (payload.get("transfer") or payload).get("note")
    return committed
