"""Set-up shared by the ledger's tests."""

import time
from collections.abc import Iterator

import pytest

from tests.support.travelling import Travel
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


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Travel:
    """Sets this process's clock back, so that what takes days has happened before the test."""
    travelling = Travel()
    monkeypatch.setattr(time, "time_ns", travelling.now_ns)
    return travelling
