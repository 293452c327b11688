"""What projecting takes in statements: as many for a batch, whatever its size."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from services.dashboard.projection import projector
from services.dashboard.resources import Resources
from shared.db.engine import Database
from tests.unit.services.dashboard.journal import Journal, at, resources_for

MOST = 14
"""Of a batch of payments between accounts that are known: the position three times, what they touch, and each
table that they change.
"""


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that the dashboard's database gets."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # SQLite's transactions begin with a statement that PostgreSQL's driver sends along with the first.
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("kind", ["backed", "mutual_credit"])
def test_a_batch_takes_the_same_statements_whatever_its_size(
    database: Database, statements: list[str], kind: str
) -> None:
    journal = Journal()
    issuance, _ = journal.currency("PUMA", at(0), kind)
    members = [journal.account("PUMA", at(0)) for _ in range(20)]
    for member in members:
        journal.transfer(issuance, member, 1_000, at(0))
    resources: Resources = resources_for(database, journal)
    projector.receive(resources, journal.records)
    found = []
    for size in (2, 500):
        before = len(journal.records)
        for number in range(size):
            journal.transfer(members[number % 20], members[(number + 7) % 20], 1, at(1))
        statements.clear()
        projector.receive(resources, journal.records[before:])
        found.append(len(statements))
    assert found[0] == found[1]
    assert found[0] <= MOST + (kind == "mutual_credit")
