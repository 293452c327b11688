"""An account's lines, read page by page, are those of the whole history, whatever buckets a record touches;
and what a page costs does not grow with it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, event, insert

from services.ledger.entries import last_entries
from services.ledger.kernel.record import GENESIS
from services.ledger.kernel.state import first_account
from services.ledger.service import SERVICE
from services.ledger.tables import VOLUME_BITS, entries, partitions
from services.ledger.transfers.lines import Line, lines_before
from shared.auth.principal import MEMBER, OPERATOR
from shared.contracts import ids
from tests.support.ledger import pay
from tests.support.writing import Ledger

PARTITION = 9
"""It has no writer: its rows are put there by the tests."""

numbers = count(first_account(PARTITION))
"""Of accounts that no command opened."""

steps = st.sampled_from([1, 2, 1 << VOLUME_BITS, 5 << VOLUME_BITS, 70 << VOLUME_BITS])
"""From a record that touches the account to the next one."""

MOST = 5
"""Statements of a page: the account, its lines, their records, what is told beside them, the currency."""

changes = st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=6)
"""What a record changes of an account: one amount a bucket."""


@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    history=st.lists(st.tuples(steps, changes), max_size=12),
    later=st.just(0) | steps,
    page=st.integers(1, 5),
    more=st.integers(0, 3),
)
def test_pages_together_are_the_whole(
    ledger: Ledger, history: list[tuple[int, list[int]]], later: int, page: int, more: int
) -> None:
    account, total, sequence = next(numbers), 0, 0
    expected: list[Line] = []
    rows: list[dict[str, Any]] = []
    for step, amounts in history:
        sequence += step
        total += sum(amounts)
        rows += _rows(account, sequence, amounts, total)
        if sum(amounts):
            expected.insert(0, Line(sequence, sum(amounts), total))
    _write(ledger, rows, sequence + later)
    with pytest.MonkeyPatch.context() as patch, ledger.database.read() as connection:
        patch.setattr("services.ledger.transfers.lines.MORE_LINES", more)
        assert list(_paged(connection, account, page)) == expected


@settings(max_examples=settings().max_examples // 4, suppress_health_check=list(HealthCheck))
@given(found_at=st.lists(steps, min_size=1, max_size=6), until=steps)
def test_the_last_entry_until_a_record_is_found(ledger: Ledger, found_at: list[int], until: int) -> None:
    account, sequences = next(numbers), list(accumulate(found_at))
    _write(ledger, [row for each in sequences for row in _rows(account, each, [1], each)], sequences[-1])
    before = [each for each in sequences if each <= until]
    with ledger.database.read() as connection:
        assert [entry.sequence for entry in last_entries(connection, account, until, 1)] == before[-1:]


def _rows(account: int, sequence: int, amounts: Sequence[int], total: int) -> list[dict[str, Any]]:
    shared = {"account": account, "sequence": sequence, "balance": 0, "total": total}
    return [shared | {"bucket": f"b{bucket}", "amount": amount} for bucket, amount in enumerate(amounts)]


def _write(ledger: Ledger, rows: list[dict[str, Any]], last_sequence: int) -> None:
    with ledger.database.write() as connection:
        connection.execute(delete(partitions).where(partitions.c.id == PARTITION))
        connection.execute(
            insert(partitions).values(
                id=PARTITION,
                timeline=ids.new_id(),
                term=0,
                last_sequence=last_sequence,
                last_hash=GENESIS,
                last_batch="",
                recorded_at=0,
                frozen=False,
            )
        )
        if rows:
            connection.execute(insert(entries), rows)


def _paged(connection: Connection, account: int, page: int) -> Iterator[Line]:
    before = None
    while found := lines_before(connection, account, before, page):
        assert len(found) <= page
        yield from found
        before = found[-1].sequence


@contextmanager
def counted(ledger: Ledger) -> Iterator[list[str]]:
    """The statements that the ledger's database gets meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        # SQLite's transactions begin with a statement that PostgreSQL's driver sends along with the first.
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(ledger.database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(ledger.database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("call", ["list_account_transfers", "export_account_transfers"])
def test_a_page_takes_the_same_statements_whatever_its_size(puma: Ledger, call: str) -> None:
    holder = ids.new_id()
    purse, shop = puma.account(holder, issued=1_000), puma.account()
    own = puma.token(holder, MEMBER)
    puma.decide([pay(purse, shop, 1, memo="bread"), *(pay(purse, shop, 1) for _ in range(150))], own)
    found = []
    for limit in (3, 150):
        with counted(puma) as statements:
            puma.ask(SERVICE.calls[call], "op", OPERATOR, account=shop, limit=limit)
        found.append(len(statements))
    assert found[0] == found[1] <= MOST


@pytest.mark.parametrize("until", [5 << VOLUME_BITS, 10**12, 2**63 - 1])
def test_a_place_beyond_the_journal_costs_no_more_than_its_end(puma: Ledger, until: int) -> None:
    account = first_account(0)
    with puma.database.read() as connection:
        expected = last_entries(connection, account, None, 10)
        with counted(puma) as statements:
            assert last_entries(connection, account, until, 10) == expected
    assert len(statements) <= 2


def test_the_index_leads_to_an_accounts_entries(puma: Ledger) -> None:
    if puma.database.is_sqlite:
        pytest.skip("SQLite keeps the rows themselves in that order")
    with counted(puma) as statements, puma.database.read() as connection:
        last_entries(connection, 3, 5 << VOLUME_BITS, 10)
    with puma.database.write() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement in (each for each in statements if "FROM entries" in each):
            plan = connection.exec_driver_sql(f"EXPLAIN {_with_numbers(statement)}").scalars().all()
            scans = [line for line in plan if "Scan" in line and "partitions_pkey" not in line]
            assert all("Index Scan Backward using entries_key" in line for line in scans), plan
            conditions = [line for line in plan if "Index Cond" in line and "(id = 1)" not in line]
            assert len(conditions) == len(scans) > 0
            volume = re.compile(rf"\(\(sequence >> {VOLUME_BITS}\) = (1|\$\d)\) AND \(account = 1\)")
            assert all(volume.search(line) for line in conditions), plan


def _with_numbers(statement: str) -> str:
    """The statement with a number for each of its parameters: what is asked for does not decide the way."""
    return re.sub(r"%\(\w+\)s(::\w+)?", "1", statement)
