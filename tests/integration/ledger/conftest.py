"""Set-up shared by the ledger's tests."""

from collections.abc import Iterator

import pytest

from tests.support.writing import SERVICE_FOLDER, Ledger, running_ledger


@pytest.fixture
def migrated_folder() -> str:
    return SERVICE_FOLDER


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A ledger with a leading writer, on either engine."""
    with running_ledger(database_url) as running:
        yield running


@pytest.fixture
def puma(ledger: Ledger) -> Ledger:
    """The same, with the backed currency PUMA."""
    ledger.currency()
    return ledger
