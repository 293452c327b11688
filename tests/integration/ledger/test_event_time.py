"""Balances by when things happened: what was told later counts for the time at which it happened."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from services.ledger.accounts import following
from services.ledger.accounts.event_time import added_later
from services.ledger.accounts.following import OvertakenError, follow
from services.ledger.kernel.calendar import DAY_US
from services.ledger.service import SERVICE
from services.ledger.tables import late_days, late_entries
from shared.auth.principal import IMPORTER, OPERATOR
from shared.contracts import clock, ids
from shared.contracts.ledger import BalanceView
from tests.support.ledger import issue, pay
from tests.support.writing import Ledger

HOUR_US = 3600 * clock.MICROSECONDS


def balance(ledger: Ledger, account: str, at: int, axis: str = "occurred") -> int:
    view = ledger.ask(
        SERVICE.calls["get_balance"], "op", OPERATOR, account=account, at=clock.to_text(at), axis=axis
    )
    assert not BalanceView().validate(view)
    assert view["provisional"] == (axis == "occurred")
    amount: int = view["balance"]["amount"]
    return amount


def imported(ledger: Ledger, *lines: tuple[str | None, str, int, int]) -> None:
    """Transfers told now: (payer or None for an issuance, payee, amount, when)."""
    token = ledger.token("tools", IMPORTER)
    for payer, payee, amount, at in lines:
        more: dict[str, Any] = {"occurred_at": at, "id": ids.new_id()}
        command = pay(payer, payee, amount, **more) if payer else issue(payee, amount, **more)
        ledger.view(command, token)


def test_what_is_told_late_counts_from_when_it_happened(puma: Ledger) -> None:
    purse, shop = puma.account(), puma.account()
    now = clock.now_us()
    week, day = now - 7 * DAY_US, now - DAY_US
    puma.view(issue(purse, 1_000))
    imported(puma, (None, purse, 300, week), (purse, shop, 120, week + HOUR_US), (purse, shop, 5, day))
    while follow(puma.resources):
        pass
    ends = clock.now_us()
    assert balance(puma, purse, week - 1) == 0
    assert balance(puma, purse, week) == 300
    assert balance(puma, purse, week + HOUR_US) == 180
    assert balance(puma, purse, day - 1) == 180
    assert balance(puma, purse, day) == 175
    assert balance(puma, purse, ends) == balance(puma, purse, ends, "recorded") == 1_175
    assert balance(puma, shop, day) == 125
    assert [balance(puma, purse, at, "recorded") for at in (week, day)] == [0, 0]


def test_what_has_not_been_read_yet_is_said(puma: Ledger) -> None:
    purse = puma.account()
    imported(puma, (None, purse, 300, clock.now_us() - DAY_US))

    def told() -> int:
        asked = {"account": purse, "axis": "occurred"}
        sequence: int = puma.ask(SERVICE.calls["get_balance"], "op", OPERATOR, **asked)["sequence"]
        return sequence

    assert told() == 0
    follow(puma.resources)
    assert told() == 3
    assert not follow(puma.resources)


def test_two_that_read_at_once_keep_it_once(puma: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    purse = puma.account()
    follow(puma.resources)
    imported(puma, (None, purse, 300, clock.now_us() - DAY_US))
    since = 2
    follow(puma.resources)
    monkeypatch.setattr(following, "read_until", lambda *_: since)
    with pytest.raises(OvertakenError):
        follow(puma.resources)
    assert balance(puma, purse, clock.now_us() - HOUR_US) == 300


def test_reading_goes_on_in_steps(puma: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RECORDS_PER_STEP", 2)
    purse = puma.account()
    day = clock.now_us() - DAY_US
    imported(puma, *((None, purse, amount, day) for amount in (1, 2, 4)))
    steps = 1
    while follow(puma.resources):
        steps += 1
    assert (steps, balance(puma, purse, day)) == (3, 7)


MOMENTS = st.integers(0, 4 * DAY_US)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 5
)
@given(
    lines=st.lists(st.tuples(MOMENTS, MOMENTS, st.integers(-9, 9)), max_size=12),
    at=MOMENTS,
)
def test_checkpoints_and_single_entries_give_every_sum(
    ledger: Ledger, lines: list[tuple[int, int, int]], at: int
) -> None:
    late = [
        {
            "account": 1,
            "occurred_at": min(a, b),
            "recorded_at": max(a, b),
            "sequence": number,
            "amount": amount,
        }
        for number, (a, b, amount) in enumerate(lines)
    ]
    days: dict[tuple[int, int], int] = {}
    for line in late:
        key = (line["occurred_at"] // DAY_US, line["recorded_at"] // DAY_US)
        days[key] = days.get(key, 0) + line["amount"]
    with ledger.database.write() as connection:
        for table in (late_entries, late_days):
            connection.execute(delete(table))
        if late:
            connection.execute(insert(late_entries), late)
        for (occurred_on, recorded_on), amount in days.items():
            connection.execute(
                insert(late_days).values(
                    account=1, occurred_on=occurred_on, recorded_on=recorded_on, amount=amount
                )
            )
        naive = sum(line["amount"] for line in late if line["occurred_at"] <= at < line["recorded_at"])
        assert added_later(connection, 1, at) == naive
