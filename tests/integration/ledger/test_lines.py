"""An account's lines, read page by page, are those of the whole history, whatever buckets a record touches;
and what a page costs does not grow with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, insert

from services.ledger.service import SERVICE
from services.ledger.tables import entries
from services.ledger.transfers.lines import Line, lines_before
from shared.auth.principal import MEMBER, OPERATOR
from shared.contracts import ids
from tests.support.ledger import pay
from tests.support.writing import Ledger

numbers = count(1_000_000)
"""Of accounts that no command opened."""

MOST = 5
"""Statements of a page: the account, its lines, their records, what is told beside them, the currency."""

changes = st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=6)
"""What a record changes of an account: one amount a bucket."""


@settings(
    max_examples=settings().max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(changes, max_size=12), page=st.integers(1, 5), more=st.integers(0, 3))
def test_pages_together_are_the_whole(ledger: Ledger, history: list[list[int]], page: int, more: int) -> None:
    account, total = next(numbers), 0
    expected: list[Line] = []
    rows = []
    for sequence, amounts in enumerate(history, 1):
        total += sum(amounts)
        rows += [
            {"account": account, "sequence": sequence, "bucket": f"b{bucket}", "amount": amount}
            | {"balance": 0, "total": total}
            for bucket, amount in enumerate(amounts)
        ]
        if sum(amounts):
            expected.insert(0, Line(sequence, sum(amounts), total))
    with ledger.database.write() as connection:
        if rows:
            connection.execute(insert(entries), rows)
    with pytest.MonkeyPatch.context() as patch, ledger.database.read() as connection:
        patch.setattr("services.ledger.transfers.lines.MORE_LINES", more)
        assert list(_paged(connection, account, page)) == expected


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
