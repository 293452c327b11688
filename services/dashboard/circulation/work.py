"""Working out what is missing, currency by currency. `python -m services.dashboard.circulation.work` does it
in a process of its own: its memory is given back, and it takes no turn from those who answer.

The first line of its standard input is the address of the database; it ends when the input does.
"""

import os
import sys
import threading

from sqlalchemy import Connection, select

from services.dashboard.circulation import store
from services.dashboard.circulation.cells import work_out
from services.dashboard.projection import positions, tables
from shared.contracts import clock
from shared.db.engine import Database

LESS_URGENT = 10
ORPHANED = 3


def is_due(connection: Connection, now_us: int) -> bool:
    """Whether any currency has figures to be worked out."""
    rows = connection.execute(select(tables.currencies)).all()
    return any(store.stale(connection, row, now_us) for row in rows)


def work(database: Database, now_us: int) -> int:
    """Work out and keep what is missing; for how many periods that was."""
    with database.read() as connection:
        codes = connection.execute(select(tables.currencies.c.code).order_by(tables.currencies.c.code))
        currencies = list(codes.scalars())
    return sum(_work_on(database, currency, now_us) for currency in currencies)


def _work_on(database: Database, code: str, now_us: int) -> int:
    with database.read() as connection:
        columns = tables.currencies.c
        row = connection.execute(select(tables.currencies).where(columns.code == code)).one_or_none()
        wanted = [] if row is None else store.stale(connection, row, now_us)
        if row is None or not wanted:
            return 0
        before = positions.load(connection, row.partition)
        figures = list(work_out(connection, code, wanted))
    with database.write() as connection:
        now = positions.lock(connection, row.partition)
        # Emptied in the meantime: these figures may stand for records that no longer are.
        if now.generation != before.generation:
            return 0
        store.save(connection, code, figures, before)
    return len(wanted)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(ORPHANED)


def main() -> None:
    os.nice(LESS_URGENT)
    url = sys.stdin.readline().rstrip("\n")
    threading.Thread(target=_end_with_input, daemon=True).start()
    database = Database(url)
    try:
        work(database, clock.now_us())
    finally:
        database.close()


if __name__ == "__main__":
    main()
