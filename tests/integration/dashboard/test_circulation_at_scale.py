"""Many movements: what is counted stays within bounds that do not hang on how many there are."""

import random
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select

from services.dashboard.circulation import store, work
from services.dashboard.circulation.cells import KINDS
from services.dashboard.circulation.child import COMMAND
from services.dashboard.projection import tables
from services.dashboard.projection.areas import DAY_US, day_of
from shared.db.engine import Database
from tests.unit.services.dashboard.journal import START, at

MOVEMENTS = 100_000
ACCOUNTS = 3_000
DAYS = 500
NOW = at(DAYS + 1)
ISSUER = 1
MAX_KILOBYTES = 500 * 1024
STATEMENTS_PER_PERIOD = 2
STATEMENTS_BESIDE = 30

# A process begins with the memory of the one that starts it, and the tests' own may have become large.
MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def large(database: Database) -> Database:
    """A currency of random payments, each of what the payer has, written straight into the projection."""
    chance = random.Random(7)
    balances = dict.fromkeys(range(2, ACCOUNTS + 2), 0)
    rows: list[dict[str, Any]] = []
    changed: dict[int, int] = {}
    for sequence in range(1, MOVEMENTS + 1):
        occurred_at = START + (sequence * DAYS // MOVEMENTS) * DAY_US + chance.randrange(DAY_US)
        payer, payee = chance.sample(range(2, ACCOUNTS + 2), 2)
        amount = chance.randint(1, max(balances[payer], 1))
        if balances[payer] < amount:
            payer, amount = ISSUER, 10_000
        else:
            balances[payer] -= amount
        balances[payee] += amount
        day = day_of(occurred_at)
        changed[day] = sequence
        rows.append(
            {"currency": "PUMA", "day": day, "sequence": sequence, "part": 0, "payer": payer, "payee": payee}
            | {"amount": amount, "occurred_at": occurred_at}
        )
    _fill(database, rows, changed)
    return database


def test_memory_statements_and_figures(large: Database) -> None:
    with large.read() as connection:
        row = connection.execute(select(tables.currencies)).one()
        periods = len(store.stale(connection, row, NOW))
    assert periods >= DAYS // 7
    statements: list[str] = []

    def counted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(large.engine, "before_cursor_execute", counted)
    assert work.work(large, NOW) == periods
    event.remove(large.engine, "before_cursor_execute", counted)
    assert len(statements) <= STATEMENTS_PER_PERIOD * periods + STATEMENTS_BESIDE
    with large.read() as connection:
        columns = tables.cells.c
        by_kind = select(columns.kind, func.count()).group_by(columns.kind)
        kept: dict[str, int] = dict(connection.execute(by_kind).all())
        [[year, cell]] = store.load(connection, "PUMA", None, "year").items()
        volume = _volume(connection, year.first, year.past)
    assert set(kept) == set(KINDS)
    # Of the whole currency and of its one territory.
    assert sum(kept.values()) == 2 * periods
    figures = {code: figure.value for code, figure in cell.figures.items()}
    balance, velocity = figures["effective_balance"], figures["transfer_velocity"]
    assert balance is not None
    assert velocity is not None
    # volume = effective balance x transfer velocity x weeks
    assert balance * velocity * (year.past - year.first) / 7 == pytest.approx(volume, rel=1e-5)


def test_the_process_stays_within_its_memory(large: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", MEASURED, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # It ends by itself where its input does.
    process.stdin.write(f"{large.url}\n")
    process.stdin.flush()
    most = process.stdout.read()
    assert process.wait() == 0
    process.stdin.close()
    process.stdout.close()
    assert int(most) < MAX_KILOBYTES


def _volume(connection: Any, first: int, past: int) -> int:
    columns = tables.movements.c
    within = (columns.day >= first) & (columns.day < past) & (columns.payer != ISSUER)
    return int(connection.execute(select(func.sum(columns.amount)).where(within)).scalar_one())


def _fill(database: Database, rows: list[dict[str, Any]], changed: dict[int, int]) -> None:
    first = day_of(START)
    account = {"pool": 1, "since": first, "first_active": None, "balance": 0, "last_at": 0}
    kinds = {ISSUER: "issuance"}
    accounts = [
        account | {"account": key, "id": f"account {key}", "kind": kinds.get(key, "member")}
        for key in range(1, ACCOUNTS + 2)
    ]
    standing = {"partition": 0, "timeline": "t", "sequence": MOVEMENTS, "hash": "h", "recorded_at": NOW}
    currency = {"code": "PUMA", "partition": 0, "kind": "backed", "minor_units": 100, "territory": "north"}
    days = [{"currency": "PUMA", "day": day, "sequence": sequence} for day, sequence in changed.items()]
    with database.write() as connection:
        for table, given in (
            (tables.positions, [standing | {"movements_to": MOVEMENTS}]),
            (tables.currencies, [currency | {"simulated": 0, "since": first}]),
            (tables.pools, [{"pool": 1, "currency": "PUMA", "territory": "north"}]),
            (tables.accounts, accounts),
            (tables.movements, rows),
            (tables.changed_days, days),
        ):
            connection.execute(insert(table), given)
