"""Ids tell when they were made, and in which order."""

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
