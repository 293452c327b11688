"""Ids tell when they were made, and in which order."""

import pytest

from shared.contracts import ids


def test_what_is_made_later_sorts_later() -> None:
    made = [ids.new_id() for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_tells_its_millisecond() -> None:
    assert ids.made_at_ms(ids.new_id(now_ms=1_700_000_000_123)) == 1_700_000_000_123


def test_an_accounts_id_tells_its_partition() -> None:
    for partition in (0, 7, ids.MAX_PARTITION):
        assert ids.partition_of(ids.new_account_id(partition)) == partition


@pytest.mark.parametrize("milliseconds", [0, 1, 1_700_000_000_123, (1 << 48) - 1])
def test_the_first_id_of_a_time_goes_before_all_others_of_it(milliseconds: int) -> None:
    first = ids.first_id(milliseconds)
    assert ids.is_timed(first)
    assert ids.made_at_ms(first) == milliseconds
    assert first <= ids.new_id(now_ms=milliseconds)
    assert milliseconds == 0 or ids.new_id(now_ms=milliseconds - 1) < first


def test_only_a_uuid7_in_its_canonical_form_tells_a_time() -> None:
    id = ids.new_id()
    assert ids.is_timed(id)
    for other in ("", id.upper(), id.replace("-", ""), f"{id}\n", id[:-1], ids.derived_id("a"), f"{{{id}}}"):
        assert not ids.is_timed(other)
