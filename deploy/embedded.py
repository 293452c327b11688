"""The whole platform in one process: plain threads, SQLite files, the in-process bus."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from deploy.collecting import collect_seldom
from deploy.databases import migrate_all
from deploy.datafolder import DataFolder
from deploy.refusals import WriterEnded
from deploy.services import SERVICES
from services.ledger.resources import build_writer
from services.ledger.service import writer_service
from shared.auth.keys import TRUSTED_FILE, ensure_keys, load_trusted
from shared.auth.tokens import TrustedIssuer, Verifier
from shared.config import Config
from shared.db.engine import Database
from shared.jobs import Job, JobRunner
from shared.messaging.client import ReadingClient
from shared.messaging.inprocess import dead_letters
from shared.messaging.inprocess.bus import InProcessBus
from shared.messaging.service import Service
from shared.messaging.socket_server import SocketServer

PARTITION = 0
"""The one ledger partition of an embedded installation."""


class Embedded:
    """Everything that runs embedded, under the data folder's lock. Raises DataFolderBusy where that is
    held.
    """

    def __init__(self, config: Config, *, with_jobs: bool = True) -> None:
        self.failed: Callable[[], object] = lambda: None
        """Called, from a thread that must not be held up, when the ledger's writer has ended though nobody
        has stopped it: no payment is taken any more, and the process should end.
        """
        self.has_failed = False
        """Whether it has ended so."""
        self._stack = ExitStack()
        try:
            self._stack.enter_context(DataFolder(config.data))
            ensure_keys(config.keys)
            migrate_all(config)
            self._assemble(config, with_jobs)
        except BaseException:
            self._stack.close()
            raise

    @property
    def client(self) -> ReadingClient:
        """Calls the services of this process."""
        return self.bus.client

    def ready_checks(self) -> dict[str, Callable[[], bool]]:
        """What must be true before requests are sent here, by name."""
        return {"ledger-writer": lambda: self._writer.leading}

    def start(self) -> None:
        """Start whatever works by itself; the ledger takes payments when this returns. Raises WriterEnded
        where it cannot.
        """
        collect_seldom()
        self._writer.start()
        self._stack.callback(self._writer.stop)
        if not self._writer.wait_until_leading():
            raise WriterEnded
        self.bus.start()
        self._stack.callback(self.bus.stop)
        self._runner.start()
        self._stack.callback(self._runner.stop)
        self._socket.start()
        self._stack.callback(self._socket.stop)

    def stop(self) -> None:
        """Stop in the opposite order, then release the data folder."""
        self._stack.close()

    def _assemble(self, config: Config, with_jobs: bool) -> None:
        trusted = load_trusted(config.keys / TRUSTED_FILE)

        bus_database = Database(config.database_for("bus"))
        self._stack.callback(bus_database.close)
        self.bus = InProcessBus(bus_database)
        self._writer = build_writer(config, PARTITION)
        self._writer.failed = self._fail
        self._register(writer_service(PARTITION), self._writer, trusted)
        self._register(dead_letters.SERVICE, self.bus.dead_letters, trusted)
        work: list[Job] = []
        for owner in SERVICES.values():
            resources = owner.build(config, self.bus.client)
            self._stack.callback(resources.close)
            self._register(owner.table(), resources, trusted)
            if with_jobs:
                work += owner.jobs(resources, self.bus.publisher)
        self._runner = JobRunner(work)
        self._socket = SocketServer(self.bus.routes, config.socket)

    def _fail(self) -> None:
        self.has_failed = True
        self.failed()

    def _register(self, service: Service, resources: Any, trusted: Mapping[str, TrustedIssuer]) -> None:
        self.bus.register(service, resources, Verifier(service.token_audience, trusted))
