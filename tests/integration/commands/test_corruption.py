"""One flipped bit in any column of the ledger's tables is found by `medtown verify-ledger`, which names the
row and freezes the partition to reading.
"""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from services.ledger.accounts.following import follow
from services.ledger.kernel.calendar import DAY_US
from services.ledger.service import SERVICE
from services.ledger.tables import metadata
from shared.auth.principal import IMPORTER, MEMBER, OPERATOR
from shared.contracts import clock, ids
from shared.contracts.commands import SetDelegate
from tests.support.commands import Done, medtown
from tests.support.installations import DISTRIBUTED, EMBEDDED, new_database
from tests.support.ledger import create_currency, issue, open_account, pay
from tests.support.writing import SERVICE_FOLDER, Ledger, refused_as, running_ledger

NAMED = {
    "journal": "record ",
    "entries": "record ",
    "balances": "account ",
    "accounts": "account",
    "currencies": "currency ",
    "things": "thing ",
    "notes": "note of record ",
    "late_entries": "late entries of record ",
    "late_days": "account number ",
    "delegations": "account number ",
}
"""The tables, and what the fault of a row of each must name."""
ELSEWHERE = {
    "partitions": "its writer stops where the row is another: tests/integration/ledger/test_fence.py",
    "refusals": "nothing proves most of one, and another id of the same time can have been refused",
    "reading_cursors": "a number within the journal is as good, where nothing is told late in between",
    "relay_cursors": "any number within the journal is as good",
}
"""Tables that are not for this test, and why: tests/integration/ledger/test_verify.py flips their bytes."""
BITS = range(8)


class Cell(NamedTuple):
    """A value of a row that its key names."""

    table: str
    column: str
    key: Mapping[str, Any]
    value: Any

    def put(self, connection: Connection, value: Any) -> Mapping[str, Any]:
        """Write another value; the key that the row has then."""
        where = " AND ".join(f'"{name}" = :key_{name}' for name in self.key)
        values = {"value": value, **{f"key_{name}": each for name, each in self.key.items()}}
        statement = f'UPDATE {self.table} SET "{self.column}" = :value WHERE {where}'
        assert connection.execute(text(statement), values).rowcount == 1
        return {**self.key, **({self.column: value} if self.column in self.key else {})}


KEYS = {"entries": ["account", "sequence", "bucket"]}
"""Of tables that have an index for a key."""


def test_no_table_of_the_ledger_is_left_out() -> None:
    assert NAMED.keys() | ELSEWHERE.keys() == metadata.tables.keys()


class Damaged:
    """A ledger with a little of everything whose tables nothing watches over any more."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.environment = {"MEDTOWN_DATABASE_URL": ledger.url}
        ledger.currency()
        ledger.view(create_currency("LEAF", kind="mutual_credit", default_credit_limit=500))
        holder = ids.new_id()
        one = ledger.account(holder, issued=1_000, territory="north", category="food")
        two = ledger.account()
        for amount in range(1, 6):
            ledger.view(pay(one, two, amount, memo="bread"), ledger.token(holder, MEMBER))
        ledger.view(pay(one, two, 100, pending_seconds=3600), ledger.token(holder, MEMBER))
        delegate = SetDelegate(id=ids.new_id(), account=one, subject=ids.new_id(), rights=["view"])
        ledger.view(delegate, ledger.token(holder, MEMBER))
        late = issue(one, 7, id=ids.derived_id("a", "log"), occurred_at=clock.now_us() - 3 * DAY_US)
        ledger.view(late, ledger.token("tools", IMPORTER))
        follow(ledger.resources)
        self.untouched = open_account(ids.new_id(), "LEAF")
        ledger.view(self.untouched)
        with ledger.database.read() as connection:
            self.untouched_number = connection.execute(text("SELECT max(number) FROM accounts")).scalar_one()
        if ledger.database.is_sqlite:
            for table in ("journal", "entries"):
                for verb in ("update", "delete"):
                    ledger.execute(f"DROP TRIGGER {table}_no_{verb}")
        else:
            for table in ("journal", "entries"):
                ledger.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")

    def verified(self) -> Done:
        return medtown("verify-ledger", "--json", environment=self.environment)

    def columns(self, table: str) -> list[str]:
        with self.ledger.database.read() as connection:
            return [column["name"] for column in inspect(connection).get_columns(table)]

    def cells(self, table: str, column: str) -> list[Cell]:
        """All values of a column that are there at all, but for what must stay readable."""
        with self.ledger.database.read() as connection:
            key = inspect(connection).get_pk_constraint(table)["constrained_columns"] or KEYS[table]
            names = ", ".join(f'"{name}"' for name in [*key, column])
            found = connection.execute(
                text(f'SELECT {names} FROM {table} WHERE "{column}" IS NOT NULL')
            ).all()
        cells = [Cell(table, column, dict(zip(key, row[:-1], strict=True)), row[-1]) for row in found]
        readable = {("code", "LEAF"), ("number", self.untouched_number)}
        return [cell for cell in cells if readable.isdisjoint(cell.key.items())]

    def flip(self, cell: Cell, chance: random.Random) -> Cell:
        """Flip a bit; the cell as it is then. Another one where a key forbids it."""
        for _ in range(20):
            with suppress(IntegrityError), self.ledger.database.write() as connection:
                value = _flipped(cell.value, chance)
                return Cell(cell.table, cell.column, cell.put(connection, value), value)
        raise AssertionError(f"no bit of {cell} can be flipped")

    def mend(self, flipped: Cell, cell: Cell) -> None:
        with self.ledger.database.write() as connection:
            flipped.put(connection, cell.value)


@pytest.fixture(scope="module", params=[EMBEDDED, DISTRIBUTED])
def damaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    """One for all tests, since each mends what it damages."""
    folder = tmp_path_factory.mktemp("damaged")
    with new_database(request, request.param, folder, SERVICE_FOLDER) as url, running_ledger(url) as ledger:
        yield Damaged(ledger)


def _flipped(value: Any, chance: random.Random) -> Any:
    """The value with one bit of it turned round; text stays text."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << chance.choice(BITS))
    if isinstance(value, UUID):
        return UUID(int=value.int ^ (1 << chance.randrange(128)))
    if isinstance(value, str):
        if not value:
            return "\x01"
        place = chance.randrange(len(value))
        return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    content = bytearray(value)
    content[chance.randrange(len(content))] ^= 1 << chance.choice(BITS)
    return bytes(content)


@pytest.mark.parametrize("table", NAMED)
@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_a_flipped_bit_is_found_named_and_stops_payments(damaged: Damaged, table: str, rounds: int) -> None:
    # The same bits on every run.
    chance = random.Random(f"{table} {rounds}")
    assert damaged.verified().code == 0
    for _ in range(rounds):
        _flip_in_each_column(damaged, table, chance)
    assert damaged.verified().code == 0, "all is mended"
    damaged.ledger.view(issue(damaged.ledger.account(), 1))


def _flip_in_each_column(damaged: Damaged, table: str, chance: random.Random) -> None:
    columns = damaged.columns(table)
    assert columns == [column.name for column in metadata.tables[table].c]
    for column in columns:
        cell = chance.choice(damaged.cells(table, column))
        flipped = damaged.flip(cell, chance)
        done = damaged.verified()
        assert done.code == 1, (cell, flipped)
        fault = json.loads(done.out)["fault"]
        assert NAMED[table] in fault, (cell, flipped)
        _check_reading_alone(damaged)
        damaged.mend(flipped, cell)


def _check_reading_alone(damaged: Damaged) -> None:
    ledger, account = damaged.ledger, damaged.untouched
    [refused] = ledger.decide([open_account(ids.new_id(), "LEAF")])
    assert refused_as(refused) == "partition-frozen"
    told = ledger.ask(SERVICE.calls["get_account"], "someone", OPERATOR, id=account.id)
    assert told["id"] == account.id
    # So that the next flipped bit is seen to freeze it again.
    ledger.execute("UPDATE partitions SET frozen = FALSE")
