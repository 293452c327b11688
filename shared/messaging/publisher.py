"""Handing messages to the bus so that they are safe: one small interface, whatever carries them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """A message for an exchange ("<service>.events"). `id` is unique to it; consumers use it to know it
    again.
    """

    exchange: str
    routing_key: str
    body: bytes
    content_type: str
    id: str


class PublishError(Exception):
    """The bus did not take a message; nothing is known of it and of those after it, so all are to be sent
    again.
    """


class Publisher(Protocol):
    """Publishes in order and returns once the bus has taken every message for good.

    The answer says of each message whether anybody listens; one that nobody listens to counts as published.
    Raises PublishError.
    """

    def publish(self, messages: Sequence[Message]) -> list[bool]: ...

    def close(self) -> None: ...
