"""The dashboard's projector beside the ledger's books, in one process: `python -m
tests.bench.projection_process LEDGER_URL DASHBOARD_URL`. Reads questions from standard input and answers
them, a line of JSON each.
"""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.dashboard.projection import positions, projector
from services.dashboard.resources import Resources
from services.ledger.journal.relay import JournalRelay
from services.ledger.resources import Resources as LedgerResources
from services.ledger.service import SERVICE as LEDGER
from shared.auth.principal import JOURNAL_READER
from shared.auth.tokens import ServiceTokens, Signer, TrustedIssuer, Verifier
from shared.contracts.journal import decode_batch
from shared.db import migrations
from shared.db.engine import Database
from shared.messaging.dispatch import Dispatcher
from shared.messaging.inprocess.routes import InProcessClient, Routes
from shared.messaging.publisher import Message

ISSUER = "dashboard"


class Bus:
    """Hands every batch to the projector as it would come from the broker, encoded."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        for message in messages:
            projector.receive(self._resources, decode_batch(message.body))
        return [True] * len(messages)

    def close(self) -> None:
        """Nothing is open."""


class Projection:
    """A dashboard without figures yet, and the journal of a ledger that nobody writes to meanwhile."""

    def __init__(self, ledger_url: str, dashboard_url: str) -> None:
        self._ledger = LedgerResources(Database(ledger_url))
        database = Database(dashboard_url)
        migrations.upgrade("services/dashboard", database)
        key = Ed25519PrivateKey.generate()
        roles = frozenset({JOURNAL_READER})
        verifier = Verifier(LEDGER.token_audience, {ISSUER: TrustedIssuer(key.public_key(), roles)})
        routes = Routes()
        routes.add(Dispatcher(LEDGER, self._ledger, verifier))
        tokens = ServiceTokens(Signer(ISSUER, key), roles)
        self._resources = Resources(database, InProcessClient(routes), tokens)

    def live(self) -> dict[str, Any]:
        """Publish the whole journal by the relay, and project what it publishes."""
        return _measured(self._publish_all)

    def rebuild(self) -> dict[str, Any]:
        """Empty the projection and fill it again, by asking the ledger."""
        return _measured(lambda: projector.rebuild(self._resources))

    def close(self) -> dict[str, Any]:
        self._ledger.database.close()
        self._resources.close()
        return {}

    def _publish_all(self) -> int:
        relay = JournalRelay(self._ledger, Bus(self._resources))
        while relay.step():
            pass
        with self._resources.database.read() as connection:
            return positions.load(connection, 0).position.sequence


def _measured(work: Callable[[], int]) -> dict[str, Any]:
    """What a number of records took: seconds, what this process worked for each, its largest size so far."""
    started, cpu = time.perf_counter(), time.process_time()
    records = work()
    seconds, worked = time.perf_counter() - started, time.process_time() - cpu
    return {
        "records": records,
        "seconds": seconds,
        "a_second": records / seconds,
        "cpu_us": 1e6 * worked / records,
        "most_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(ledger_url: str, dashboard_url: str) -> None:
    logging.disable(logging.INFO)
    projection = Projection(ledger_url, dashboard_url)
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(getattr(projection, question.pop("do"))(**question)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
