"""The ledger's own clockwork: what is due is found, told to the writer, and done once."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from services.ledger import timekeeping
from services.ledger.kernel.buckets import parse
from services.ledger.resources import Resources
from services.ledger.service import SERVICE
from services.ledger.timekeeping import Timekeeper, execution
from shared.auth.principal import MEMBER, OPERATOR, TIMEKEEPER
from shared.auth.tokens import ServiceTokens
from shared.contracts import clock, ids
from shared.contracts.charters import ExpiryClause
from shared.contracts.commands import Approve, ChangeLimits, CreateSchedule
from shared.contracts.errors import Refusal
from shared.messaging.service import Request
from tests.support.charters import amendment, charter, rows
from tests.support.ledger import create_currency, pay
from tests.support.travelling import Travel
from tests.support.writing import Ledger

HOUR_US = 3600 * clock.MICROSECONDS


class WriterClient:
    """Calls a ledger's writer, which may lose answers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.commands: list[dict[str, Any]] = []
        self.loses_answers = False

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
    ) -> Any:
        assert (service, method) == ("ledger_writer_0", "decide")
        assert not_after is not None
        self.commands += [item["command"] for item in arguments["items"]]
        answer = self._ledger.writer.handle(Request(arguments, None, not_after))
        if self.loses_answers:
            raise Refusal("outcome-unknown", address="", after="")
        return msgspec.to_builtins(answer)

    def close(self) -> None: ...


@pytest.fixture
def client(ledger: Ledger) -> WriterClient:
    return WriterClient(ledger)


@pytest.fixture
def keeper(ledger: Ledger, client: WriterClient) -> Timekeeper:
    tokens = ServiceTokens(ledger.signer, frozenset({TIMEKEEPER}))
    return Timekeeper(Resources(ledger.database, 0, client, lambda: tokens))


def buckets(ledger: Ledger, account: str) -> dict[str, int]:
    with ledger.database.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT b.bucket, b.balance FROM balances b JOIN accounts a ON a.number = b.account "
            "WHERE a.id = " + ledger._literal(account)
        )
        return {bucket: balance for bucket, balance in found if balance}


def schedule(ledger: Ledger, holder: str, payer: str, payee: str, **more: Any) -> str:
    fields = {"first_at": clock.now_us() + HOUR_US, "amount": 100, **more}
    command = CreateSchedule(id=ids.new_id(), currency="PUMA", payer=payer, payee=payee, **fields)
    return str(ledger.view(command, ledger.token(holder, MEMBER))["id"])


def told(ledger: Ledger, schedule: str) -> dict[str, Any]:
    view: dict[str, Any] = ledger.ask(SERVICE.calls["get_schedule"], "op", OPERATOR, id=schedule)
    return view


def test_payments_to_come_are_made_when_they_are_due(
    ledger: Ledger, travel: Travel, keeper: Timekeeper, client: WriterClient
) -> None:
    ana = ids.new_id()
    with travel.days_ago(3):
        ledger.currency()
        purse, shop = ledger.account(ana, issued=250), ledger.account()
        made = schedule(ledger, ana, purse, shop, every="day", count=4)
        assert not keeper.step_due()
        assert client.commands == []
    # One a step: the next one is due once the one before it has been made.
    for _ in range(3):
        keeper.step_due()
    assert ledger.total(shop) == 200
    assert (told(ledger, made)["n"], told(ledger, made)["failure"]) == (2, "insufficient-balance")
    sent = len(client.commands)
    assert not keeper.step_due()
    assert len(client.commands) == sent


def test_an_attempt_whose_answer_was_lost_is_made_once(
    ledger: Ledger, travel: Travel, keeper: Timekeeper, client: WriterClient
) -> None:
    ana = ids.new_id()
    with travel.days_ago(1):
        ledger.currency()
        purse, shop = ledger.account(ana, issued=500), ledger.account()
        made = schedule(ledger, ana, purse, shop)
    client.loses_answers = True
    with pytest.raises(Refusal):
        keeper.step_due()
    client.loses_answers = False
    keeper.step_due()
    assert (ledger.total(shop), told(ledger, made)["status"]) == (100, "done")
    (again,) = ledger.decide([execution(made, 0, 1)], ledger.token("identity", TIMEKEEPER))
    assert again.replayed


def test_what_lapsed_is_booked(ledger: Ledger, travel: Travel, keeper: Timekeeper) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    with travel.days_ago(30):
        ledger.view(create_currency(charter=charter(expiry=ExpiryClause(after_days=5, notice_days=2))))
        purse, other, shop = ledger.account(ana, issued=200), ledger.account(ben, issued=70), ledger.account()
        ledger.view(pay(purse, shop, 90, pending_seconds=60), ledger.token(ana, MEMBER))
        ledger.view(pay(other, shop, 20), ledger.token(ben, MEMBER))
        assert not keeper.step_due()
        assert not keeper.step_expired()
    assert any(parse(bucket).reservation for bucket in buckets(ledger, purse))
    keeper.step_due()
    # Settling books all that time has done: the units set free had expired too.
    assert (buckets(ledger, purse), ledger.total(other)) == ({}, 50)
    keeper.step_expired()
    assert (ledger.total(other), ledger.total(shop)) == (0, 20)


def test_units_reserved_are_not_asked_about_again_and_again(
    ledger: Ledger, travel: Travel, keeper: Timekeeper, client: WriterClient
) -> None:
    ana = ids.new_id()
    with travel.days_ago(20):
        ledger.view(create_currency(charter=charter(expiry=ExpiryClause(after_days=5, notice_days=2))))
        purse, shop = ledger.account(ana, issued=200), ledger.account()
        ledger.view(pay(purse, shop, 200, pending_seconds=25 * 24 * 3600), ledger.token(ana, MEMBER))
    assert not keeper.step_expired()
    assert client.commands == []


def test_limits_of_a_new_charter_are_taken_over(
    ledger: Ledger, travel: Travel, keeper: Timekeeper, client: WriterClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeping, "WRITER_BATCH_LIMIT", 2)
    with travel.days_ago(5):
        ledger.view(create_currency(charter=charter(limits=rows(credit_limit=100))))
        held = [ledger.account() for _ in range(5)]
        ledger.view(ChangeLimits(id=ids.new_id(), account=held[0], credit_limit=30))
        assert not keeper.step_limits()
        valid_from = clock.now_us() + HOUR_US
        proposed = amendment(2, valid_from, charter(limits=rows(credit_limit=50)))
        ledger.view(proposed)
        ledger.view(Approve(id=ids.new_id(), proposal=proposed.id), ledger.token("two", OPERATOR))
        assert not keeper.step_limits()
    floors = "SELECT floor FROM accounts WHERE holder IS NOT NULL ORDER BY number"
    while keeper.step_limits():
        pass
    with ledger.database.read() as connection:
        assert list(connection.exec_driver_sql(floors).scalars()) == [-30, -50, -50, -50, -50]
    assert len(client.commands) == len(held)
    assert not keeper.step_limits()
    assert len(client.commands) == len(held)
