"""What the gateway was made with, and how a request gets at it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from flask import current_app, request

from gateway.assets import Assets
from gateway.charts.renderer import ChartRenderer
from gateway.recent import Recent
from gateway.sessions import SessionTokens
from shared.blobs.store import BlobStore
from shared.config import Config
from shared.contracts.commands import Command, SentOutcome
from shared.messaging.client import Client

NAME = "medtown"
API_PREFIX = "/api/v1"


class WriterSender(Protocol):
    """Hands commands to the ledger's writer; many requests' commands may travel in one call.

    Raises the `Refusal` of a call that came to nothing as a whole; a command refused by itself is an
    `SentOutcome`. Of many commands, which come in chunks, the outcomes come in the same chunks.
    """

    def submit(self, command: Command, token: str, not_after: int) -> SentOutcome: ...

    def submit_many(
        self, commands: Iterable[Sequence[Command]], token: str, not_after: int
    ) -> Iterator[Sequence[SentOutcome]]: ...


@dataclass(frozen=True, slots=True)
class Wiring:
    config: Config
    client: Client
    writer: WriterSender
    sessions: SessionTokens
    assets: Assets
    charts: ChartRenderer
    recent: Recent
    blobs: BlobStore


def wiring() -> Wiring:
    """The wiring of the application that answers the present request."""
    return cast(Wiring, current_app.extensions[NAME])


def public_url() -> str:
    """The address under which people reach us, without a slash at its end; empty where the request does not
    tell, so that addresses made with it are relative.
    """
    return wiring().config.public_url or (request.url_root.rstrip("/") if request.host else "")


def is_https() -> bool:
    return wiring().config.public_url.startswith("https://") or request.scheme == "https"
