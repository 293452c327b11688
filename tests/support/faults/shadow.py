"""A projection beside the dashboard's own, made of the ledger's journal alone: it hears of no message and
meets no fault, so it stands as the dashboard would if it were made anew now.
"""

import tempfile
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from services.dashboard.projection import positions
from services.dashboard.projection.apply import apply
from services.ledger.journal.reader import records_after
from shared.contracts.journal import MAX_RECORDS_PER_BATCH
from shared.db.engine import Database
from shared.db.migrations import upgrade
from tests.support.projections import WITHOUT_CELLS, rows_of

PARTITION = 0


class Shadow:
    """Follows the journal of one ledger; each record is read once."""

    def __init__(self, ledger_url: str) -> None:
        self._ledger_url = ledger_url
        self._folder = tempfile.TemporaryDirectory(prefix="medtown-shadow-")
        self._database = Database(f"sqlite:///{Path(self._folder.name) / 'shadow.sqlite3'}")
        upgrade("services/dashboard", self._database)

    def must_equal(self, dashboard_url: str) -> None:
        """See that the dashboard's projection is what the journal leads to, up to where the dashboard is."""
        with closing(Database(dashboard_url)) as dashboard, dashboard.read() as connection:
            position = positions.load(connection, PARTITION).position
            found = rows_of(connection, WITHOUT_CELLS)
        self._follow(position.sequence)
        with self._database.read() as own:
            assert position == positions.load(own, PARTITION).position
            wanted = rows_of(own, WITHOUT_CELLS)
        for table, rows in wanted.items():
            assert found[table] == rows, f"{table} of the dashboard is another than the journal leads to"

    def _follow(self, until: int) -> None:
        """Apply the journal's records up to that one."""
        done = False
        with closing(Database(self._ledger_url)) as ledger:
            while not done:
                with self._database.write() as own:
                    last = positions.lock(own, PARTITION).position.sequence
                    limit = min(MAX_RECORDS_PER_BATCH, until - last)
                    with ledger.read() as connection:
                        records = records_after(connection, PARTITION, last, limit)
                    if records:
                        apply(own, [record.to_journal() for record in records])
                    done = not records

    def close(self) -> None:
        self._database.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
