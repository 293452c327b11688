"""How far the dashboard is behind the ledger, by looking at both databases while it happens."""

import threading
import time
from typing import Self

from sqlalchemy import func, select

from services.dashboard.projection.tables import positions
from services.ledger.tables import partitions
from shared.db.engine import Database
from tests.support.deployment import Deployment
from tests.support.waiting import wait_until

LOOK_SECONDS = 0.25
DRAIN_SECONDS = 1_800.0


class Behind:
    """Looks every quarter of a second, in a thread, while the block runs."""

    def __init__(self, deployment: Deployment) -> None:
        urls = [_url(deployment, service) for service in ("ledger", "dashboard")]
        self._ledger, self._dashboard = map(Database, urls)
        self._seen: list[tuple[float, int, int]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_for_ever, daemon=True)

    def most_seconds(self) -> float:
        """The longest time that a record had waited for the dashboard when it was looked at."""
        longest, first = 0.0, 0
        for at, last, position in self._seen:
            while self._seen[first][1] <= position and self._seen[first][0] < at:
                first += 1
            if last > position:
                longest = max(longest, at - self._seen[first][0])
        return longest

    def most_records(self) -> int:
        return max((last - position for _, last, position in self._seen), default=0)

    def drain_seconds(self) -> float:
        """Wait until the dashboard knows all that is written by now; says how long that took."""
        started = time.perf_counter()
        last = self._look()[1]
        wait_until(lambda: self._look()[2] >= last, DRAIN_SECONDS, "the dashboard to catch up")
        return time.perf_counter() - started

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def close(self) -> None:
        self._ledger.close()
        self._dashboard.close()

    def _look(self) -> tuple[float, int, int]:
        with self._dashboard.read() as connection:
            position = connection.execute(select(func.max(positions.c.sequence))).scalar() or 0
        with self._ledger.read() as connection:
            last = connection.execute(select(func.max(partitions.c.last_sequence))).scalar() or 0
        return time.perf_counter(), last, position

    def _look_for_ever(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._seen.append(self._look())


def _url(deployment: Deployment, service: str) -> str:
    file = deployment.data / f"{service}.sqlite3"
    return deployment.environment(service).get("MEDTOWN_DATABASE_URL", f"sqlite:///{file}")
