"""What takes its time, begun when the run begins and looked at by its requirement: until it falls due,
everything else is tried.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from .api import Client, View, new_id
from .books import Currency, charter, new_currency

PREFIX = "begun_"
"""How the names of these fixtures begin."""
DUE_SECONDS = 2


@dataclass(frozen=True)
class Begun:
    """Something that was asked for, between two accounts."""

    payer: str
    payee: str
    asked: View


@dataclass(frozen=True)
class Amended:
    """A currency whose next charter was adopted, its accounts, and whether that charter's moment has come."""

    currency: Currency
    accounts: tuple[str, ...]
    holds: Callable[[], bool]


def schedule(
    currency: Currency, payer: str, payee: str, amount: int, *, in_seconds: float, **more: Any
) -> View:
    """The body of a schedule that begins so long from now, by the ledger's own clock."""
    now = datetime.fromisoformat(currency.issue(payer, 1)["recorded_at"])
    first_at = (now + timedelta(seconds=in_seconds)).isoformat()
    return {**currency.payment(payer, payee, amount), "first_at": first_at, **more}


def amendment(currency: Currency, *, in_seconds: float, version: int = 2, **clauses: Any) -> View:
    """The body of a charter's next version that holds so long from now, by the ledger's own clock."""
    now = datetime.fromisoformat(currency.issue(currency.account(), 1)["recorded_at"])
    valid_from = (now + timedelta(seconds=in_seconds)).isoformat()
    return {"id": new_id(), "version": version, "valid_from": valid_from, "charter": charter(**clauses)}


@pytest.fixture(scope="session", autouse=True)
def begin(request: pytest.FixtureRequest) -> None:
    """Begin all of it that the selected tests ask for."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    for name in sorted(asked):
        if name.startswith(PREFIX):
            try:
                request.getfixturevalue(name)
            except (Exception, pytest.skip.Exception):  # noqa: BLE001
                # pytest raises it again for the test that asks: it is that requirement's failure.
                continue


@pytest.fixture(scope="session")
def begun_reservation(backed: Currency) -> Begun:
    """A reservation of 30 out of 100, which lapses after a second."""
    payer, payee = backed.account(100), backed.account()
    return Begun(payer, payee, backed.reserve(payer, payee, 30, seconds=1))


@pytest.fixture(scope="session")
def begun_payment(backed: Currency) -> Begun:
    """A schedule that pays 10 out of 100, once."""
    return _scheduled(backed, backed.account(99))


@pytest.fixture(scope="session")
def begun_refusal(backed: Currency) -> Begun:
    """A schedule that would pay 10 out of 1."""
    return _scheduled(backed, backed.account())


def _scheduled(currency: Currency, payer: str) -> Begun:
    payee = currency.account()
    body = schedule(currency, payer, payee, 10, in_seconds=DUE_SECONDS)
    currency.client.make("/schedules", body)
    return Begun(payer, payee, body)


@pytest.fixture(scope="session")
def begun_limit(client: Client, subject: str, second: Client) -> Amended:
    """A limit of 5 a transfer, adopted; meanwhile a payment of 6 is made."""
    currency = new_currency(client, subject, charter=charter())
    payer, payee = currency.account(100), currency.account()
    limits = [{"kind": "member", "per_transfer": 5}, {"kind": "organisation"}]
    holds = _adopted(currency, second, limits=limits)
    currency.pay(payer, payee, 6)
    return Amended(currency, (payer, payee), holds)


@pytest.fixture(scope="session")
def begun_fee(client: Client, subject: str, second: Client) -> Amended:
    """A fee of 2 and 1.5 % to the third account, adopted."""
    currency = new_currency(client, subject, charter=charter())
    payer, payee, fees = (currency.account(issued) for issued in (1000, 0, 0))
    fee = {"to": fees, "fixed": 2, "basis_points": 150}
    return Amended(currency, (payer, payee, fees), _adopted(currency, second, fee=fee))


@pytest.fixture(scope="session")
def begun_penalty(client: Client, subject: str, second: Client) -> Amended:
    """A penalty of a tenth for what is redeemed within 30 days, to the second account, adopted."""
    currency = new_currency(client, subject, charter=charter())
    shop, fund = currency.account(kind="organisation"), currency.account()
    penalties = [{"under_days": 30, "basis_points": 1000}]
    clause = {"penalties": penalties, "penalty_to": fund}
    return Amended(currency, (shop, fund), _adopted(currency, second, redemption=clause))


def _adopted(currency: Currency, second: Client, **clauses: Any) -> Callable[[], bool]:
    """Whether a version that has just been adopted holds by now."""
    body = amendment(currency, in_seconds=DUE_SECONDS, **clauses)
    currency.client.make(f"/currencies/{currency.code}/charters", body)
    second.change(f"/proposals/{body['id']}/approvals")
    return lambda: currency.client.get(f"/currencies/{currency.code}/charter")["version"] == 2
