"""Dead letters: messages that were given up, as an operator sees them, whatever bus they lie on."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

MAX_LISTED = 10_000
"""How many dead letters of a queue are looked at, at most, in one go."""
TYPE_MAX_LENGTH = 100
TYPE_LOOKED_FOR_BYTES = 2 * 1024 * 1024


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that lies parked for one consumer.

    `id` follows from queue and content: it stays the same however often one looks, and two equal messages
    share it. `queue` is the consumer's; `type` is the CloudEvent's, empty where it has none; `attempts` is
    how often handling was begun; `parked_at` is empty where nobody knows; `size` is in bytes.
    """

    id: str
    queue: str
    type: str
    parked_at: str
    attempts: int
    reason: str
    content_type: str
    size: int


class ShownLetter(msgspec.Struct, frozen=True):
    """A dead letter and its body as text, without what an operator need not see."""

    letter: DeadLetter
    body: str


class DeadLettersUnavailable(Exception):
    """The bus cannot be asked for its dead letters, or did not take one back; the message says why."""


class DeadLetters(Protocol):
    """The dead letters of a bus. Raises DeadLettersUnavailable.

    `replay` gives letters back to the one queue that they were parked for, as at their first attempt, and
    says how many. None is ever lost; where it is interrupted, one may be handled twice, which consumers must
    bear.
    """

    def list(self, queue: str | None) -> Sequence[DeadLetter]: ...

    def show(self, letter: str) -> ShownLetter | None: ...

    def replay(self, letter: str | None, queue: str | None) -> int: ...

    def drop(self, letter: str) -> int:
        """Delete what has this id, for good; says how many that were. Interrupted, it may leave some."""
        ...


def letter_id(queue: str, message: str, body: bytes) -> str:
    """The id of a dead letter; `message` is the id that its publisher gave the message."""
    digest = hashlib.sha256(f"{queue}\n{message}\n".encode(errors="backslashreplace"))
    digest.update(body)
    return digest.hexdigest()[:16]


def type_of(body: bytes) -> str:
    """What a body says of its type, or nothing where it cannot be read."""
    if len(body) > TYPE_LOOKED_FOR_BYTES:
        return ""
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    named = found.get("type") if isinstance(found, dict) else None
    return named[:TYPE_MAX_LENGTH] if isinstance(named, str) else ""
