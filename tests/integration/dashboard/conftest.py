"""The dashboard's database on both engines, with all its migrations."""

from collections.abc import Iterator

import pytest

from shared.db.engine import Database


@pytest.fixture
def migrated_folder() -> str:
    return "services/dashboard"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()
