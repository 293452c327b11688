"""How the operator's tools reach the services: over RabbitMQ, through the running server's socket, or by
themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.auth.keys import load_signer, private_key_file
from shared.auth.principal import ADMINISTRATOR, IMPORTER, JOURNAL_READER, OPERATOR, REGISTRAR
from shared.auth.tokens import ServiceTokens
from shared.config import Config
from shared.messaging.client import Client
from shared.observability import logs

TOOLS = "tools"
TOOLS_ROLES = frozenset({ADMINISTRATOR, OPERATOR, IMPORTER, JOURNAL_READER, REGISTRAR})


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and the tokens that the operator's tools present."""

    client: Client
    tokens: ServiceTokens


@contextmanager
def connect(config: Config, *, with_jobs: bool = True) -> Iterator[Connection]:
    """A connection to the running services; embedded, where no server runs, they run here until the block
    ends.

    `with_jobs` False leaves out periodic work where they run here: what it would do is done at the next
    start.
    """
    # What an operator needs to know is said in a line; what went wrong inside is worth more.
    logs.configure("debug" if config.log_level == "debug" else "error", TOOLS)
    if config.distributed:
        from shared.messaging.amqp.client import AmqpClient

        client: Client = AmqpClient(config.amqp_url, name=TOOLS)
        try:
            yield over(config, client)
        finally:
            client.close()
        return
    from shared.messaging.socket_client import SocketClient, is_served

    if is_served(config.socket):
        client = SocketClient(config.socket)
        try:
            yield over(config, client)
        finally:
            client.close()
        return
    from deploy.embedded import Embedded

    embedded = Embedded(config, with_jobs=with_jobs)
    try:
        embedded.start()
        yield over(config, embedded.client)
    finally:
        embedded.stop()


def over(config: Config, client: Client) -> Connection:
    """The connection of the tools over a client, with tokens signed by their own key."""
    signer = load_signer(private_key_file(config.keys, TOOLS), TOOLS)
    return Connection(client, ServiceTokens(signer, TOOLS_ROLES))
