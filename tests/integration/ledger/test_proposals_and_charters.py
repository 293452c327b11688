"""What waits for a second person, payments to come, and charters, as queries tell them."""

from typing import Any

import pytest

from services.ledger.proposals import queries
from services.ledger.service import SERVICE
from shared.auth.principal import MEMBER, OPERATOR, TIMEKEEPER
from shared.contracts import clock, ids
from shared.contracts.charters import Charter, FeeClause, document
from shared.contracts.commands import (
    AmendCharter,
    Approve,
    CancelSchedule,
    Correct,
    CreateSchedule,
    ExecuteSchedule,
    Reject,
    Reverse,
)
from shared.contracts.errors import Refusal
from shared.contracts.ledger import CharterView, ProposalView, ScheduleView
from tests.support.charters import charter
from tests.support.ledger import create_currency, pay
from tests.support.travelling import Travel
from tests.support.writing import Ledger

CALLS = SERVICE.calls
HOUR_US = 3600 * clock.MICROSECONDS


def refused(slug: str, ledger: Ledger, call: str, subject: str, **arguments: Any) -> None:
    with pytest.raises(Refusal) as caught:
        ledger.ask(CALLS[call], subject, MEMBER, **arguments)
    assert caught.value.slug == slug


def proposals(ledger: Ledger, subject: str = "op", *roles: str, **asked: Any) -> list[str]:
    """The ids of the proposals that somebody is told, on pages of two."""
    found: list[str] = []
    cursor = None
    while True:
        page = ledger.ask(
            CALLS["list_proposals"], subject, *(roles or (OPERATOR,)), limit=2, cursor=cursor, **asked
        )
        assert not ProposalView(many=True).validate(page["data"])
        found += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return found


def test_a_reversal_is_told_to_both_parties_until_it_is_made(puma: Ledger) -> None:
    ana, ben, eve = (ids.new_id() for _ in range(3))
    purse, shop = puma.account(ana, issued=500), puma.account(ben)
    paid = puma.view(pay(purse, shop, 100), puma.token(ana, MEMBER))
    proposed = puma.view(Reverse(id=ids.new_id(), transfer=paid["id"], memo="why"), puma.token(ana, MEMBER))
    assert (proposed["status"], proposed["memo"], proposed["proposed_by"]) == ("pending", "why", ana)
    assert proposed["content"] == {"transfer": paid["id"]}
    for subject in (ana, ben):
        assert puma.ask(CALLS["get_proposal"], subject, MEMBER, id=proposed["id"]) == proposed
        assert proposals(puma, subject, MEMBER, status="pending") == [proposed["id"]]
    refused("not-found", puma, "get_proposal", eve, id=proposed["id"])
    refused("not-found", puma, "get_proposal", ana, id="nonsense")
    assert proposals(puma, eve, MEMBER) == []
    back = puma.view(Approve(id=ids.new_id(), proposal=proposed["id"]), puma.token(ben, MEMBER))
    assert (back["kind"], back["proposal"]) == ("reversal", proposed["id"])
    made = puma.ask(CALLS["get_proposal"], ana, MEMBER, id=proposed["id"])
    assert (made["status"], made["made"], made["decided_by"]) == ("approved", back["id"], ben)
    assert made["lapses_at"] is None
    assert proposals(puma, ben, MEMBER, status="pending") == []
    assert proposals(puma, ben, MEMBER) == [proposed["id"]]


def test_proposals_are_listed_by_what_has_become_of_them(ledger: Ledger, travel: Travel) -> None:
    def correction() -> str:
        command = Correct(id=ids.new_id(), currency="PUMA", amount=5, payer=purse, payee=shop, reason="typo")
        return str(ledger.view(command)["id"])

    with travel.days_ago(20):
        ledger.currency()
        purse, shop = ledger.account(issued=500), ledger.account()
        lapsed = correction()
    approved, rejected, *pending = (correction() for _ in range(5))
    second = ledger.token("two", OPERATOR)
    ledger.view(Approve(id=ids.new_id(), proposal=approved), second)
    ledger.view(Reject(id=ids.new_id(), proposal=rejected), second)
    assert proposals(ledger) == [*pending[::-1], rejected, approved, lapsed]
    assert proposals(ledger, status="pending") == pending[::-1]
    assert proposals(ledger, status="approved") == [approved]
    assert proposals(ledger, status="rejected") == [rejected]
    assert proposals(ledger, status="lapsed") == [lapsed]
    told = ledger.ask(CALLS["get_proposal"], "op", OPERATOR, id=lapsed)
    assert (told["status"], told["amount"]["amount"], told["memo"]) == ("lapsed", 5, "typo")
    assert proposals(ledger, ids.new_id(), MEMBER) == []


def test_pages_of_proposals_are_no_longer_than_can_be_carried(
    puma: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    purse, shop = puma.account(issued=500), puma.account()
    for _ in range(3):
        puma.view(Correct(id=ids.new_id(), currency="PUMA", amount=5, payer=purse, payee=shop, reason="typo"))
    everything = puma.ask(CALLS["list_proposals"], "op", OPERATOR, limit=200)
    assert not everything["has_more"]
    monkeypatch.setattr(queries, "PAGE_BYTES", 1)
    page = puma.ask(CALLS["list_proposals"], "op", OPERATOR, limit=200)
    assert (page["data"], page["has_more"]) == (everything["data"][:1], True)
    rest = puma.ask(CALLS["list_proposals"], "op", OPERATOR, limit=200, cursor=page["next_cursor"])
    assert rest["data"] == everything["data"][1:2]


def test_schedules_are_told_as_they_stand(ledger: Ledger, travel: Travel) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    with travel.days_ago(2):
        ledger.currency()
        purse, shop = ledger.account(ana, issued=500), ledger.account(ben)
        token = ledger.token(ana, MEMBER)
        first_at = clock.now_us() + HOUR_US
        terms: dict[str, Any] = {
            "currency": "PUMA",
            "amount": 400,
            "payer": purse,
            "payee": shop,
            "first_at": first_at,
        }
        made = ledger.view(CreateSchedule(id=ids.new_id(), every="day", count=3, memo="rent", **terms), token)
        other = ledger.view(CreateSchedule(id=ids.new_id(), **terms), token)
        ledger.view(CancelSchedule(id=ids.new_id(), schedule=other["id"]), token)
    assert (made["n"], made["attempt"], made["memo"]) == (0, 1, "rent")
    assert made["next_at"] == made["first_at"] == clock.to_text(first_at)
    keeper = ledger.token("clock", TIMEKEEPER)
    for n in (0, 1):
        ledger.view(ExecuteSchedule(id=ids.new_id(), schedule=made["id"], n=n, attempt=1), keeper)
    told = ledger.ask(CALLS["get_schedule"], ana, MEMBER, id=made["id"])
    assert not ScheduleView().validate(told)
    assert (told["n"], told["attempt"], told["failure"]) == (1, 2, "insufficient-balance")
    ended = ledger.ask(CALLS["get_schedule"], "op", OPERATOR, id=other["id"])
    assert (ended["status"], ended["next_at"]) == ("cancelled", None)
    page = ledger.ask(CALLS["list_schedules"], ana, MEMBER, account=purse, limit=1)
    rest = ledger.ask(CALLS["list_schedules"], ana, MEMBER, account=purse, cursor=page["next_cursor"])
    assert page["data"] + rest["data"] == [ended, told]
    refused("not-found", ledger, "get_schedule", ben, id=made["id"])
    refused("not-permitted", ledger, "list_schedules", ben, account=purse)


def test_charters_are_told_by_version_and_by_time(ledger: Ledger, travel: Travel) -> None:
    def told(**asked: Any) -> dict[str, Any]:
        view: dict[str, Any] = ledger.ask(CALLS["get_charter"], "anybody", currency="PUMA", **asked)
        assert not CharterView().validate(view)
        return view

    def amend(version: int, valid_from: int, given: Charter) -> dict[str, Any]:
        id = ids.new_id()
        ledger.view(
            AmendCharter(id=id, currency="PUMA", version=version, valid_from=valid_from, charter=given)
        )
        return ledger.view(Approve(id=ids.new_id(), proposal=id), ledger.token("two", OPERATOR))

    with travel.days_ago(20):
        ledger.view(create_currency(charter=charter()))
        till = ledger.account()
        second = charter(fee=FeeClause(to=till, fixed=1))
        adopted = amend(2, clock.now_us() + HOUR_US, second)
        assert not adopted["in_force"]
        begins = clock.from_text(adopted["valid_from"])
    third = charter(fee=FeeClause(to=till, fixed=2))
    amend(3, clock.now_us() + 5 * HOUR_US, third)
    assert (told()["version"], told()["in_force"], told()["charter"]) == (2, True, document(second))
    assert [told(version=each)["in_force"] for each in (1, 2, 3)] == [False, True, False]
    assert told(version=3)["charter"] == document(third)
    assert [each["version"] for each in told()["versions"]] == [1, 2, 3]
    assert told(at=clock.to_text(begins - 1))["version"] == 1
    assert told(at=clock.to_text(begins))["version"] == 2
    assert told(at="2999-01-01T00:00:00Z")["version"] == 3
    for asked in ({"version": 4}, {"at": "2001-01-01T00:00:00Z"}, {"currency": "NONE"}):
        refused("not-found", ledger, "get_charter", "anybody", **{"currency": "PUMA", **asked})


def test_a_currency_has_the_names_of_the_charter_in_force(ledger: Ledger, travel: Travel) -> None:
    def amend(version: int, names: dict[str, str]) -> None:
        id, valid_from = ids.new_id(), clock.now_us() + HOUR_US
        given = charter(names=names)
        ledger.view(
            AmendCharter(id=id, currency="PUMA", version=version, valid_from=valid_from, charter=given)
        )
        ledger.view(Approve(id=ids.new_id(), proposal=id), ledger.token("two", OPERATOR))

    first, second = {"en": "PUMA"}, {"en": "Puma of Triana", "es": "Puma de Triana"}
    with travel.days_ago(20):
        ledger.view(create_currency("LEAF"))
        ledger.view(create_currency(charter=charter(names=first)))
        amend(2, second)
        assert ledger.ask(CALLS["get_currency"], "anybody", id="PUMA")["names"] == first
    # Adopted, and not yet in force.
    amend(3, {"en": "Lynx"})
    assert ledger.ask(CALLS["get_currency"], "anybody", id="PUMA")["names"] == second
    listed = ledger.ask(CALLS["list_currencies"], "anybody")["data"]
    leaf = ledger.ask(CALLS["get_currency"], "anybody", id="LEAF")
    assert [each["names"] for each in listed] == [leaf["names"], second]


def test_a_currency_without_a_charter_has_the_simplest(puma: Ledger) -> None:
    view = puma.ask(CALLS["get_charter"], "anybody", currency="PUMA")
    assert not CharterView().validate(view)
    assert (view["version"], view["in_force"], view["charter"]["fee"]) == (1, True, None)
    currency = puma.ask(CALLS["get_currency"], "anybody", id="PUMA")
    assert view["valid_from"] == currency["created_at"]
