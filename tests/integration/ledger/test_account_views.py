"""What an account's view tells of its units, limits and people: as settling it would leave it, by now."""

from typing import Any

import pytest

from services.ledger.accounts.following import follow
from services.ledger.service import SERVICE
from shared.auth.principal import MEMBER, OPERATOR
from shared.contracts import ids
from shared.contracts.charters import ExpiryClause, PurposeClause
from shared.contracts.commands import (
    ChangeLimits,
    CloseAccount,
    FreezeAccount,
    PostPending,
    SetDelegate,
    TagAccount,
    UnfreezeAccount,
)
from shared.contracts.errors import Refusal
from shared.contracts.ledger import AccountView
from tests.support.charters import charter, rows
from tests.support.ledger import create_currency, issue, pay
from tests.support.travelling import Travel
from tests.support.writing import Ledger

CALLS = SERVICE.calls
FOOD = PurposeClause(code="food", names={"en": "Food"}, categories=["grocer"])


def account(ledger: Ledger, id: str, subject: str = "op", *roles: str) -> dict[str, Any]:
    view: dict[str, Any] = ledger.ask(CALLS["get_account"], subject, *(roles or (OPERATOR,)), id=id)
    assert not AccountView().validate(view)
    return view


def units(view: dict[str, Any], name: str = "units") -> list[tuple[str | None, str | None, int]]:
    return [(each["purpose"], each["expires_on"], each["amount"]["amount"]) for each in view[name]]


def test_units_are_told_apart_and_add_up(ledger: Ledger) -> None:
    ledger.view(create_currency(charter=charter(purposes=[FOOD])))
    ana = ids.new_id()
    purse, shop = ledger.account(ana, issued=300), ledger.account()
    ledger.view(issue(purse, 80, purpose="food"))
    ledger.view(pay(purse, shop, 100, pending_seconds=60), ledger.token(ana, MEMBER))
    view = account(ledger, purse)
    assert units(view) == [(None, None, 200), ("food", None, 80)]
    told = {name: view[name]["amount"] for name in ("balance", "available", "reserved")}
    assert told == {"balance": 380, "available": 200, "reserved": 100}


def test_what_has_lapsed_is_gone_before_anybody_books_it(ledger: Ledger, travel: Travel) -> None:
    expiry = ExpiryClause(after_days=10, notice_days=3)
    with travel.days_ago(30):
        ledger.view(create_currency(charter=charter(expiry=expiry, purposes=[FOOD])))
        ana = ids.new_id()
        purse, shop = ledger.account(ana, credit_limit=50, issued=300), ledger.account()
        ledger.view(pay(purse, shop, 100, pending_seconds=3600), ledger.token(ana, MEMBER))
    with travel.days_ago(8):
        ledger.view(issue(shop, 20))
    view = account(ledger, purse)
    # All 300 have expired, those reserved too: their reservation lapsed before.
    assert (view["balance"]["amount"], view["reserved"]["amount"]) == (0, 0)
    assert (view["available"]["amount"], units(view), ledger.total(purse)) == (50, [], 300)
    soon = account(ledger, shop)
    assert units(soon, "expires_soon") == units(soon)
    assert units(soon)[0][2] == 20
    listed = ledger.ask(CALLS["list_accounts"], ana, MEMBER)["data"]
    assert listed == [account(ledger, purse, ana, MEMBER)]


def test_limits_in_force_with_what_has_been_spent(ledger: Ledger, travel: Travel) -> None:
    limits = rows(per_transfer=500, per_day=900, soft_per_day=100, maximum_balance=5_000)
    ana = ids.new_id()
    with travel.days_ago(40):
        ledger.view(create_currency(charter=charter(limits=limits)))
        purse, shop = ledger.account(ana, issued=1_000), ledger.account()
        ledger.view(pay(purse, shop, 90), ledger.token(ana, MEMBER))
    ledger.view(ChangeLimits(id=ids.new_id(), account=purse, per_transfer=200, level=2, credit_limit=70))
    paid = ledger.view(pay(purse, shop, 150), ledger.token(ana, MEMBER))
    assert paid["warnings"] == ["soft-per-day"]
    view = account(ledger, purse)
    assert view["limits"] == {
        "per_transfer": 200,
        "per_day": 900,
        "per_month": None,
        "soft_credit_limit": None,
        "soft_per_day": 100,
        "soft_per_month": None,
        "spent_today": 150,
        "spent_this_month": 150,
    }
    assert (view["level"], view["credit_limit"], view["maximum_balance"]) == (2, 70, 5_000)
    assert account(ledger, shop)["limits"]["spent_today"] == 0


def test_tags_freezes_and_ends(puma: Ledger) -> None:
    kept, ended = puma.account(place="market", groups=["b", "a"]), puma.account()
    puma.view(TagAccount(id=ids.new_id(), account=kept, category="grocer", place=None))
    puma.view(FreezeAccount(id=ids.new_id(), account=kept, direction="out", reason="lost card"))
    puma.view(CloseAccount(id=ids.new_id(), account=ended))
    view = account(puma, kept)
    assert (view["category"], view["place"], view["groups"]) == ("grocer", None, ["a", "b"])
    assert (view["frozen"], view["frozen_reason"], view["closed"]) == ("out", "lost card", False)
    view = account(puma, ended)
    assert (view["frozen"], view["closed"], view["available"]["amount"]) == (None, True, 0)


def test_why_an_account_is_frozen_is_told_to_who_may_see_it(puma: Ledger) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    purse = puma.account(ana)
    first = FreezeAccount(id=ids.new_id(), account=purse, direction="out", reason="lost card")
    puma.view(first)
    again = FreezeAccount(id=ids.new_id(), account=purse, direction="out", reason="lost again")
    puma.refusal("nothing-changes", again)
    for subject, role in ((ana, MEMBER), ("op", OPERATOR)):
        assert account(puma, purse, subject, role)["frozen_reason"] == "lost card"
        listed = puma.ask(CALLS["list_accounts"], subject, role, currency="PUMA")["data"]
        assert [one["frozen_reason"] for one in listed if one["id"] == purse] == ["lost card"]
    with pytest.raises(Refusal):
        account(puma, purse, ben, MEMBER)
    puma.view(FreezeAccount(id=ids.new_id(), account=purse, direction="all", reason="court order"))
    assert account(puma, purse)["frozen_reason"] == "court order"
    puma.execute("DELETE FROM notes")
    told = account(puma, purse)
    assert (told["frozen"], told["frozen_reason"]) == ("all", None)
    puma.view(UnfreezeAccount(id=ids.new_id(), account=purse))
    told = account(puma, purse)
    assert (told["frozen"], told["frozen_reason"]) == (None, None)


def test_a_closed_account_is_nobodys_to_pay(puma: Ledger) -> None:
    ana = ids.new_id()
    first, second = puma.account(ana), puma.account(ana)
    puma.view(CloseAccount(id=ids.new_id(), account=first))
    found = puma.ask(CALLS["find_payees"], "eve", MEMBER, currency="PUMA", holders=[ana])
    assert found == {"accounts": {ana: second}}


def test_delegates_see_what_they_were_given_the_right_to_see(puma: Ledger) -> None:
    ana, ben, eve = (ids.new_id() for _ in range(3))
    purse, shop = puma.account(ana, issued=500), puma.account()
    ana_token = puma.token(ana, MEMBER)
    for subject, right in ((ben, "view"), (eve, "pay")):
        given: Any = [right]
        puma.view(SetDelegate(id=ids.new_id(), account=purse, subject=subject, rights=given), ana_token)
    paid = puma.view(pay(purse, shop, 5), ana_token)
    by_holder = account(puma, purse, ana, MEMBER)
    assert by_holder["delegates"] == sorted(
        (
            {"subject": ben, "rights": ["view"], "per_transfer": None},
            {"subject": eve, "rights": ["pay"], "per_transfer": None},
        ),
        key=lambda each: str(each["subject"]),
    )
    by_delegate = account(puma, purse, ben, MEMBER)
    assert by_delegate == {name: value for name, value in by_holder.items() if name != "delegates"}
    assert puma.ask(CALLS["get_transfer"], ben, MEMBER, id=paid["id"]) == paid
    for call in ({"call": "get_account", "id": purse}, {"call": "list_pending", "account": purse}):
        name = call.pop("call")
        with pytest.raises(Refusal) as caught:
            puma.ask(CALLS[name], eve, MEMBER, **call)
        assert caught.value.slug == "not-permitted"
    assert not follow(puma.resources)

    def delegated(subject: str) -> list[str]:
        return [
            one["id"] for one in puma.ask(CALLS["list_accounts"], subject, MEMBER, delegated=True)["data"]
        ]

    assert (delegated(ben), delegated(eve), delegated(ana)) == ([purse], [], [])
    puma.view(SetDelegate(id=ids.new_id(), account=purse, subject=ben, rights=[]), ana_token)
    assert delegated(ben) == []
    follow(puma.resources)
    assert delegated(ben) == []
    with pytest.raises(Refusal):
        account(puma, purse, ben, MEMBER)


def test_a_reservation_taken_in_part_frees_the_rest(puma: Ledger) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    purse, shop = puma.account(ana, issued=500), puma.account(ben)
    held = puma.view(pay(purse, shop, 300, pending_seconds=60), puma.token(ana, MEMBER))
    assert account(puma, purse)["available"]["amount"] == 200
    puma.view(PostPending(id=ids.new_id(), pending=held["id"], amount=100), puma.token(ben, MEMBER))
    view = account(puma, purse)
    assert (view["available"]["amount"], view["reserved"]["amount"]) == (400, 0)
