"""Ids that the writer need not ask for: whatever is stored, or may be by now, is asked for all the same."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel.record import StoredRefusal
from services.ledger.writer import fresh
from services.ledger.writer.fresh import FreshIds
from shared.contracts import clock, ids
from tests.support.model.memory_store import MemoryStore

NOW = clock.from_text("2026-11-29T10:00:00Z")
NOW_MS = NOW // 1000
REMEMBERED = 8

YEAR_MS = 366 * 24 * 3_600_000
FEW = [
    ids.new_id(now_ms=NOW_MS + offset)
    for offset in (-90_000, -59_000, -300, -10, 0, 0, 5, 400, YEAR_MS // 2, 2 * YEAR_MS)
]
ODD = ["", "tools", ids.derived_id("a"), FEW[3].upper(), FEW[3].replace("-", "")]


def _store(*known: str) -> MemoryStore:
    store = MemoryStore(ids.new_id())
    refusal = StoredRefusal("", "", b"", b"", "late", {}, 0)
    store.commands |= dict.fromkeys(known, refusal)
    return store


@pytest.fixture
def few_remembered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh, "MAX_REMEMBERED", REMEMBERED)
        yield


many_ids = st.lists(
    st.sampled_from(FEW)
    | st.builds(lambda ms: ids.new_id(now_ms=NOW_MS + ms), st.integers(-61_000, 2_000))
    | st.sampled_from(ODD),
    max_size=20,
    unique=True,
)


@pytest.mark.usefixtures("few_remembered")
@given(stored=many_ids, batches=st.lists(many_ids, max_size=8))
def test_an_id_that_may_be_stored_is_never_taken_for_a_new_one(
    stored: list[str], batches: list[list[str]]
) -> None:
    known = set(stored)
    made = FreshIds(_store(*stored), 0, NOW)
    for batch in batches:
        doubtful = made.take(batch)
        assert set(batch) & (known | set(ODD)) <= set(doubtful) <= set(batch)
        known |= set(batch)


def test_what_clients_send_is_new() -> None:
    made = FreshIds(_store(), 0, NOW)
    for second in range(-59, 600):
        batch = [ids.new_id(now_ms=NOW_MS + 1_000 * second) for _ in range(50)]
        assert made.take(batch) == []
    assert made.take([*batch, ids.new_id(now_ms=NOW_MS)]) == batch


def test_ids_of_other_times_are_asked_for() -> None:
    made = [ids.new_id(now_ms=now_ms) for now_ms in (NOW_MS - 61_000, 0, NOW_MS + 2 * YEAR_MS)]
    assert FreshIds(_store(), 0, NOW).take(made) == made


@pytest.mark.usefixtures("few_remembered")
def test_what_is_forgotten_is_asked_for() -> None:
    made = FreshIds(_store(), 0, NOW)
    each_second = (ids.new_id(now_ms=NOW_MS + 1_000 * second) for second in range(40))
    while batch := list(islice(each_second, 4)):
        assert made.take(batch) == []
    assert made.take([FEW[4]]) == [FEW[4]]


@pytest.mark.usefixtures("few_remembered")
def test_where_too_many_are_stored_the_latest_are_remembered() -> None:
    stored = [ids.new_id(now_ms=NOW_MS - 1_000 * second) for second in range(2 * REMEMBERED)]
    made = FreshIds(_store(*stored), 0, NOW)
    assert made.take(stored) == stored
    between = ids.new_id(now_ms=NOW_MS - 1_000 * (REMEMBERED + 2))
    assert made.take([between]) == [between]
    assert made.take([ids.new_id(now_ms=NOW_MS - 1_500)]) == []
