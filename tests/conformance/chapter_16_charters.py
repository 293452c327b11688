"""Charters"""

import pytest

from .api import Client, View, new_id, pointers, until
from .begun import Amended, amendment
from .books import Currency, charter, new_currency


@pytest.fixture
def chartered(client: Client, subject: str) -> Currency:
    """A currency of the test's own, with a charter."""
    return new_currency(client, subject, charter=charter())


def test_read(chartered: Currency, stranger: Client) -> None:
    """16.1 Everybody can read a currency's charter: the document, its version, and from when on it holds."""
    view = stranger.get(f"/currencies/{chartered.code}/charter")
    assert (view["currency"], view["version"], view["in_force"]) == (chartered.code, 1, True)
    assert [each["version"] for each in view["versions"]] == [1]
    assert view["charter"]["names"] == {"en": "Conformance"}
    assert {each["kind"] for each in view["charter"]["limits"]} == {"member", "organisation"}


def test_every_currency_has_one(mutual: Currency, stranger: Client) -> None:
    """16.2 A currency that was created without one has the simplest, with the limits that it was given."""
    view = stranger.get(f"/currencies/{mutual.code}/charter")
    [member] = [each for each in view["charter"]["limits"] if each["kind"] == "member"]
    assert member["credit_limit"] == 1000


def test_unknown(stranger: Client, chartered: Currency) -> None:
    """16.3 A currency or a version that there is not is 404."""
    stranger.refused("/currencies/NOSUCHONE/charter", None, "not-found", "unknown-currency", method="GET")
    path = f"/currencies/{chartered.code}/charter?version=7"
    assert stranger.refused(path, None, "not-found", method="GET")["status"] == 404


def test_conditional(chartered: Currency, stranger: Client) -> None:
    """16.4 It has an ETag: who has it already gets 304 and nothing more."""
    first = stranger.send("GET", f"/currencies/{chartered.code}/charter")
    headers = {"If-None-Match": first.headers["ETag"]}
    again = stranger.send("GET", f"/currencies/{chartered.code}/charter", headers=headers)
    assert (again.status_code, again.content) == (304, b"")


CONTRADICTIONS: list[tuple[View, str]] = [
    ({"kind": "time"}, "/charter/kind"),
    ({"minor_units": 60}, "/charter/minor_units"),
    ({"names": {"es": "Conformidad"}}, "/charter/names"),
    ({"limits": [{"kind": "member"}]}, "/charter/limits"),
    (
        {"limits": [{"kind": "member", "per_day": 5, "per_month": 4}, {"kind": "organisation"}]},
        "/charter/limits/0",
    ),
    ({"expiry": {"after_days": 5, "notice_days": 10}}, "/charter/expiry"),
    ({"redemption": {"penalties": [{"under_days": 5, "basis_points": 100}]}}, "/charter/redemption"),
    ({"purposes": [{"code": "a", "names": {"en": "A"}}] * 2}, "/charter/purposes"),
    ({"fee": {"to": "01900000-0000-7000-8000-000000000000", "fixed": 1}}, "/charter/fee"),
]


@pytest.mark.parametrize(
    ("clauses", "pointer"), CONTRADICTIONS, ids=[pointer for _, pointer in CONTRADICTIONS]
)
def test_contradictions(client: Client, backed: Currency, clauses: View, pointer: str) -> None:
    """16.5 A charter that contradicts itself, or the currency, is refused with its clause named."""
    document = {**charter(), **clauses}
    body = {
        "code": backed.code[:-1] + "0",
        "names": {"en": "Conformance"},
        "minor_units": 100,
        "kind": "backed",
        "territory": "conformance",
        "simulated": True,
        "charter": document,
    }
    problem = client.refused("/currencies", body, "charter-contradicts")
    assert pointers(problem)[0].startswith(pointer)


def test_form(client: Client, chartered: Currency) -> None:
    """16.6 A charter with a clause that is not known, or not in form, is refused with its place: no rule is
    lost.
    """
    body = amendment(chartered, in_seconds=60)
    path = f"/currencies/{chartered.code}/charters"
    for clauses, pointer in (
        ({"demurrage": {"per_year": 5}}, "/charter/demurrage"),
        ({"fee": {"basis_points": 10}}, "/charter/fee/to"),
        ({"limits": [{"kind": "dog"}]}, "/charter/limits/0/kind"),
    ):
        changed = {**body, "id": new_id(), "charter": {**body["charter"], **clauses}}
        assert pointers(client.refused(path, changed, "invalid-request")) == [pointer]


def test_versions_follow(client: Client, chartered: Currency) -> None:
    """16.7 The next version is the last one's number and one, and begins in the future."""
    path = f"/currencies/{chartered.code}/charters"
    limits = [{"kind": "member", "per_day": 5}, {"kind": "organisation"}]
    body = amendment(chartered, in_seconds=3600, limits=limits)
    client.refused(path, {**body, "id": new_id(), "version": 3}, "charter-outdated")
    past = amendment(chartered, in_seconds=-3600, limits=limits)
    assert pointers(client.refused(path, past, "invalid-request")) == ["/valid_from"]
    assert client.make(path, body)["status"] == "pending"


def test_not_alone(client: Client, chartered: Currency) -> None:
    """16.8 Proposed by one person alone, nothing changes."""
    limits = [{"kind": "member", "per_transfer": 5}, {"kind": "organisation"}]
    body = amendment(chartered, in_seconds=2, limits=limits)
    client.make(f"/currencies/{chartered.code}/charters", body)
    client.refused(f"/proposals/{body['id']}/approvals", {"id": new_id()}, "second-person-needed")
    view = client.get(f"/currencies/{chartered.code}/charter")
    assert [each["version"] for each in view["versions"]] == [1]


def test_amend(begun_limit: Amended) -> None:
    """16.9 Approved by a second person, it holds from its moment on, for accounts that are open already too;
    the old version can still be read.
    """
    chartered, (payer, payee) = begun_limit.currency, begun_limit.accounts
    until(begun_limit.holds, 10, "the new version to hold")
    assert chartered.balance(payee) == 6
    chartered.client.refused("/transfers", chartered.payment(payer, payee, 6), "spending-limit")
    chartered.pay(payer, payee, 5)
    old = chartered.client.get(f"/currencies/{chartered.code}/charter", version=1)
    assert (old["version"], old["in_force"]) == (1, False)


def test_fee(begun_fee: Amended) -> None:
    """16.10 A fee is taken of payments and booked to the account that the charter names, rounded down; every
    unit stays accounted for.
    """
    chartered, (payer, payee, fees) = begun_fee.currency, begun_fee.accounts
    until(begun_fee.holds, 10, "the fee to hold")
    made = chartered.pay(payer, payee, 333)
    # 2 and 1.5 % of 333, which is 4.995.
    [kept] = made["kept_back"]
    assert (kept["reason"], kept["account"], kept["amount"]["amount"]) == ("fee", fees, 6)
    assert [chartered.balance(each) for each in (payer, payee, fees)] == [667, 327, 6]


def test_penalty(begun_penalty: Amended) -> None:
    """16.11 What is redeemed too early is kept back in part, and booked to the account that the charter
    names.
    """
    chartered, (shop, fund) = begun_penalty.currency, begun_penalty.accounts
    until(begun_penalty.holds, 10, "the penalty to hold")
    chartered.issue(shop, 100)
    body = {"id": new_id(), "kind": "redemption", "payer": shop, "amount": chartered.money(55)}
    chartered.client.make("/transfers", body)
    assert [chartered.balance(each) for each in (shop, fund)] == [45, 5]
    assert chartered.balance(chartered.view["redemption_account"]) == 50
