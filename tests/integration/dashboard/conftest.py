"""The dashboard's database on both engines, with all its migrations."""

from collections.abc import Iterator

import pytest

from shared.db.engine import Database
from shared.db.migrations import upgrade


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    upgrade("services/dashboard", opened)
    yield opened
    opened.close()
